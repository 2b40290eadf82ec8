"""AzureWorld: all services of one Azure on ports of their own, one tenant, and one application that may ask them."""

import pathlib

from support.authority import Authority, rsa_key

from . import clouds
from . import deleted_requests  # noqa: F401  registers what it does
from .arm import Arm
from .assertions import FederatedCredential, service_account_token
from .entra import Entra
from .exchange import Journal
from .imds import Imds
from .key_vault import KeyVault
from .name_server import NameServer
from .server import LOOPBACK, tls_context
from .tokens import Tokens

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
ISSUER = "https://oidc.example.test/cluster/"
SUBJECT = "system:serviceaccount:sekisho:sekisho"
# The services' own names, for clients that are led here by them.
NAMES = (LOOPBACK, "localhost", *(name for cloud in clouds.ALL for name in cloud.names))


class AzureWorld:
    def __init__(self, folder, authority=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = authority or Authority("Azure stand-in CA")
        self.ca = self.authority.write(self.folder, "azure-ca.pem")
        self.tenant, self.client, self.issuer, self.subject = TENANT, CLIENT, ISSUER, SUBJECT
        self.journal = Journal()
        self.tokens = Tokens()
        context = tls_context(self.authority.issue(*NAMES), self.folder / "listener")
        self.entra = Entra(self.journal, context, self.tokens, set())
        self.application = self.entra.register(TENANT, CLIENT, federated=[FederatedCredential(ISSUER, SUBJECT)])
        self.imds = Imds(self.journal, self.tokens, self.entra.resources, TENANT)
        self.imds.identities.append(CLIENT)
        self.key_vault = KeyVault(self.journal, context, self.tokens, self.entra.url, TENANT)
        self.arm = Arm(self.journal, context, self.tokens, self.entra.url, TENANT, self.key_vault)
        self.become(clouds.PUBLIC)
        self.name_server = NameServer(self.arm.zones)
        self.services = [self.entra, self.imds, self.key_vault, self.arm]
        self.token_file = self.folder / "azure-identity-token"
        self.project_token()

    def become(self, cloud):
        """From now on Entra knows the resources of this cloud and no others, and its services take tokens for these alone."""
        self.key_vault.resource, self.arm.audiences = cloud.vault_resource, list(cloud.arm_audiences)
        self.entra.resources.clear()
        self.entra.resources.update({cloud.vault_resource, *cloud.arm_audiences})
        for service in (self.key_vault, self.arm):
            service.authority_url = self.entra.url if cloud is clouds.PUBLIC else f"https://{cloud.login}"

    @property
    def vault(self):
        return self.key_vault.default

    def project_token(self, **changes):
        """Writes the service account's token as the kubelet does: by rename. `changes`: issuer, subject, audience, lifetime…"""
        values = {"issuer": ISSUER, "subject": SUBJECT, "key": rsa_key(), **changes}
        fresh = self.token_file.with_suffix(".new")
        fresh.write_text(service_account_token(**values))
        fresh.rename(self.token_file)

    def token_for(self, resource):
        """An access token for this resource, for tests that speak to a service themselves."""
        return self.tokens.issue(resource, CLIENT, TENANT).text

    @property
    def environment(self):
        """What the workload identity webhook puts into a container."""
        return {"AZURE_CLIENT_ID": CLIENT, "AZURE_TENANT_ID": TENANT, "AZURE_AUTHORITY_HOST": self.entra.url + "/",
                "AZURE_FEDERATED_TOKEN_FILE": str(self.token_file)}

    @property
    def settings(self):
        """The section `azure` of a configuration."""
        return {"authority_host": self.entra.url, "resource_manager": self.arm.url, "metadata_endpoint": self.imds.url,
                "ca_certificates": str(self.ca), "tenant_id": TENANT, "client_id": CLIENT, "identity": "workload",
                "token_file": str(self.token_file)}

    def close(self):
        for service in self.services:
            service.down()
        self.name_server.close()
