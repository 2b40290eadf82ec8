"""IngressDeployment: the overlay `ingress` of deploy/kubernetes in a cluster of the tests, with the rights of its service account alone."""

import http.client
import json
import os
import pathlib
import socket
import ssl
import urllib.request

import yaml
from cryptography.x509 import load_pem_x509_certificate
from support.edge import ROOT, eventually

from .api import ApiError

OVERLAY = ROOT / "deploy" / "kubernetes" / "overlays" / "ingress"
NAMESPACE = "sekisho"


class IngressDeployment:
    """Three replicas behind a Service; `words` are further ones of its command line. `kubectl` is the administrator's."""

    def __init__(self, cluster, folder, *words):
        self.cluster, self.folder = cluster, pathlib.Path(folder)
        self.kubectl = cluster.kubectl.within(NAMESPACE)
        self._write([str(word) for word in words])

    def _write(self, words):
        """The overlay for Pods that share one network: each listens on its own address."""
        args = ["--class=sekisho", "--listen=$(POD_IP):8443", "--http=$(POD_IP):8080", "--admin=$(POD_IP):9180",
                "--state-directory=/var/lib/sekisho", "--publish-service=$(POD_NAMESPACE)/sekisho", *words]
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": args}]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "kustomization.yaml").write_text(yaml.safe_dump({
            "resources": [os.path.relpath(OVERLAY, self.folder)],
            "patches": [{"target": {"kind": "Deployment", "name": "sekisho"}, "patch": yaml.safe_dump(patch)}]}))

    def apply(self):
        self.cluster.kubectl.apply(self.folder)
        self.rolled_out()
        return self

    def remove(self):
        """Everything of it, and returns when it is gone: another test may want the same names."""
        for pod in self.pods:
            pod.kill()
        self.kubectl("delete", "pods", "--all", "--grace-period=0", "--force", check=False)
        self.cluster.kubectl("delete", "--ignore-not-found", "-k", self.folder, timeout=90)

    def rolled_out(self, seconds=120):
        self.kubectl("rollout", "status", "deployment/sekisho", f"--timeout={seconds}s", timeout=seconds + 10)

    # ---- what is there

    @property
    def pods(self):
        return self.cluster.node.pods(NAMESPACE)

    @property
    def log(self):
        return "".join(pod.log for pod in self.pods)

    @property
    def address(self):
        """That of its Service."""
        return eventually(lambda: self.kubectl.get("service/sekisho")["status"]["loadBalancer"]["ingress"][0]["ip"])

    def leader(self):
        """The Pod that leads; None while there is none."""
        try:
            leases = self.cluster.api.list("leases", NAMESPACE)
        except ApiError:
            return None
        holders = [each["spec"].get("holderIdentity") or "" for each in leases if each["metadata"]["name"].startswith("sekisho-lock.ingress")]
        return next((pod for pod in self.pods if holders and pod.name == holders[0].split("_")[0]), None)

    # ---- what clients see

    def asked(self, host, address=None):
        """The body of an answer: of the Service's, or of one replica ("127.1.2.3:8443")."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        request = urllib.request.Request(f"https://{address or self.address}/", headers={"Host": host})
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.read().decode()

    def shown(self, host, address=None):
        """The certificate of a handshake for this name, as PEM."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((address or self.address, 8443 if address else 443), 10) as raw:
            with context.wrap_socket(raw, server_hostname=host) as secured:
                return ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True)).encode()

    def shows(self, host, pem, patience=30):
        """Waits until each replica shows this certificate, the first of a chain."""
        first = load_pem_x509_certificate(pem).serial_number

        def all_do():
            return all(load_pem_x509_certificate(self.shown(host, pod.address)).serial_number == first for pod in self.pods)
        eventually(all_do, patience, f"{host} shows the certificate everywhere")

    def readiness(self, pod):
        """(status, what /readyz says)"""
        connection = http.client.HTTPConnection(pod.address, 9180, timeout=20)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def serves(self, host, title, patience=30):
        """Waits until each replica answers by the backend of this title."""
        def all_do():
            return all(f'"title": "{title}"' in self.asked(host, f"{pod.address}:8443") for pod in self.pods)
        eventually(all_do, patience, f"{host} is answered by {title}")
