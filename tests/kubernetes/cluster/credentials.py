"""Credentials: the authorities, keys and files of one control plane, minted for it and gone with it."""

import base64
import pathlib

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.authority import Authority, key_pem

SERVICE_NETWORK = "10.96.0.0/16"
SERVER_NAMES = ("127.0.0.1", "localhost", "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                "kubernetes.default.svc.cluster.local")


class Credentials:
    """Files: server.crt and .key, server-ca.pem (what clients trust), client-ca.pem (whose clients the server trusts),
    signer.key and .pub (of service accounts' tokens), admin.crt and .key."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clients = Authority("sekisho test clients")
        self.clients.write(self.folder, "client-ca.pem")
        self.admin = self.clients.issue("admin", client=True, organization="system:masters").write(self.folder, "admin")
        self.replace()

    def replace(self):
        """A new authority for the server and a new key for tokens, as when a cluster is restored elsewhere. What was known of
        both before is worth nothing once the servers are started again."""
        servers = Authority("sekisho test cluster")
        self.server_ca = servers.write(self.folder, "server-ca.pem")
        self.server = servers.issue(*SERVER_NAMES).write(self.folder, "server")
        key = ec.generate_private_key(ec.SECP256R1())
        self.signer, self.signer_public = self.folder / "signer.key", self.folder / "signer.pub"
        self.signer.write_bytes(key_pem(key))
        self.signer_public.write_bytes(key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))

    def kubeconfig(self, path, port, token=None, namespace="default"):
        """Writes a kubeconfig of the administrator, or of whom the token belongs to. Nothing in it refers to other files."""
        data = lambda file: base64.b64encode(pathlib.Path(file).read_bytes()).decode()  # noqa: E731
        user = {"token": token} if token else {"client-certificate-data": data(self.admin[0]),
                                               "client-key-data": data(self.admin[1])}
        settings = {
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": f"https://127.0.0.1:{port}",
                                                      "certificate-authority-data": data(self.server_ca)}}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        }
        path = pathlib.Path(path)
        fresh = path.with_suffix(".new")
        fresh.write_text(yaml.safe_dump(settings))
        fresh.chmod(0o600)
        fresh.rename(path)
        return path
