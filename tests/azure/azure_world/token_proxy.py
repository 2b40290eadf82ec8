"""TokenProxy: what stands before Entra in a cluster with identity bindings (azure-workload-identity 1.6): at an address of the
cluster, with a certificate of the cluster's for a name of its own."""

from support.authority import Authority

from .assertions import FederatedCredential
from .service import Refused, Service
from .server import tls_context

AUDIENCE = "api://AKSIdentityBinding"
SERVER_NAME = "binding.ests.aks.example.test"
FOLDER = "/proxied"  # the proxy's URL may have a path


class TokenProxy(Service):
    """Forwards to Entra what comes with the right SNI. Tokens for its audience are good there from now on."""

    name = "token_proxy"
    published = False

    def __init__(self, world):
        authority = Authority("cluster CA")
        folder = world.folder / "token-proxy"
        folder.mkdir()
        self.ca, self.ca_data = authority.write(folder), authority.pem.decode()
        self._entra = world.entra
        world.application.federated.append(FederatedCredential(world.issuer, world.subject, AUDIENCE))
        super().__init__(world.journal, tls_context(authority.issue(SERVER_NAME), folder))

    def error(self, status, code=None, message=None):
        return self._entra.error(status, code, message)

    def answer(self, exchange):
        request = exchange.request
        exchange.operation = "token"
        if request.server_name != SERVER_NAME:
            self._violation(request, f"came with the SNI {request.server_name}")
        if not request.path.startswith(FOLDER + "/"):
            self._violation(request, f"is not below {FOLDER}")
            raise Refused(self.error(404, 90002))
        request.path = request.path.removeprefix(FOLDER)
        return self._entra.answer(exchange)

    @property
    def environment(self):
        """What the webhook adds for it."""
        return {"AZURE_KUBERNETES_TOKEN_PROXY": self.url + FOLDER, "AZURE_KUBERNETES_SNI_NAME": SERVER_NAME,
                "AZURE_KUBERNETES_CA_FILE": str(self.ca)}
