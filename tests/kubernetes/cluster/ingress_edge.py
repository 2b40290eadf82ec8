"""IngressEdge: `sekisho ingress` as a process of the test, and what clients of it see."""

import dataclasses
import json
import socket
import ssl
import subprocess

from cryptography.x509 import load_der_x509_certificate
from support.edge import BINARY, Edge, eventually


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: str
    version: str  # of HTTP, as curl says it: "1.1", "2"

    @property
    def told(self):
        """What an echo backend says of itself and of the request."""
        return json.loads(self.body)


class IngressEdge(Edge):
    """Ready when the constructor returns, unless ready=False. `settings` are those of the file; `namespace` is where its Lease is;
    `address` is where clients come, the admin endpoint stays on 127.0.0.1."""

    def __init__(self, folder, kubeconfig, *words, namespace=None, ready=True, environment=None, settings=None, start=True,
                 address="127.0.0.1", ports=None):
        self.address = address
        self.words = [str(word) for word in words]
        self.kubeconfig = kubeconfig
        # A Lease of its own: one that was killed holds it for a while.
        environment = {**({"POD_NAMESPACE": namespace} if namespace else {}), **(environment or {})}
        super().__init__(folder, settings or {}, start=False, environment=environment, ports=ports)
        for key in ("listeners", "admin", "state_directory"):
            del self.settings[key]
        self.write()
        if start:
            self.start(ready=ready)

    def start(self, patience=30, ready=True):
        number = len(list(self.folder.glob("*.stderr")))
        self.stdout_path, self.stderr_path = self.folder / f"{number}.stdout", self.folder / f"{number}.stderr"
        command = [BINARY, "ingress", "--kubeconfig", self.kubeconfig, "--listen", f"{self.address}:{self.port}",
                   "--http", f"{self.address}:{self.plain_port}", "--admin", f"127.0.0.1:{self.admin_port}", "--config", self.file,
                   *self.words]
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env=self.environment, cwd=self.folder)
        if ready:
            self.wait_ready(patience)
        return self

    # ---- what clients see

    def curl(self, host, path="/", *words, tls=True):
        """An Answer; the certificate is not looked at, `shown` is for that."""
        port = self.port if tls else self.plain_port
        scheme = "https" if tls else "http"
        command = ["curl", "--silent", "--show-error", "--include", "--insecure", "--noproxy", "*", "--max-time", "15", "--resolve",
                   f"{host}:{port}:{self.address}", "--connect-to", f"::{self.address}:{port}", "--write-out", "\n%{http_version}",
                   *words, f"{scheme}://{host}{path}"]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, f"curl: {done.returncode} {done.stderr}"
        text, _, version = done.stdout.rpartition("\n")
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        first, *fields = head.splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        return Answer(int(first.split()[1]), headers, body, version)

    def shown(self, name):
        """The certificate that a handshake for this name gets."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((self.address, self.port), 10) as raw:
            with context.wrap_socket(raw, server_hostname=name) as secured:
                return load_der_x509_certificate(secured.getpeercert(binary_form=True))

    def shows(self, name, pair, patience=15):
        eventually(lambda: self.shown(name).serial_number == pair.serial, patience, f"{name} shows the certificate")

    def serves(self, host, path="/", title=None, patience=20):
        """Waits until a request is answered by the backend that says this title; the Answer."""
        def right():
            answer = self.curl(host, path)
            return answer if answer.status == 200 and (title is None or answer.told["title"] == title) else None
        return eventually(right, patience, f"{host}{path} is answered by {title}")

    def answers(self, host, status, path="/", patience=20):
        return eventually(lambda: self.curl(host, path).status == status, patience, f"{host}{path} is answered with {status}")
