"""ControlPlane: etcd, kube-apiserver and kube-controller-manager as processes, started and ended by their ids."""

import json
import pathlib
import subprocess
import time

from support.edge import eventually, free_port
from support.pebble import Process, tool

from .api import UNREACHABLE, Api, ApiError
from .credentials import SERVICE_NETWORK, Credentials

# Those that make what the tests look at. The one that watches over nodes is left out: the node agent says itself what is alive.
CONTROLLERS = ("serviceaccount", "serviceaccount-token", "root-ca-certificate-publisher", "namespace", "garbage-collector",
               "pod-garbage-collector", "deployment", "replicaset", "daemonset", "statefulset", "job", "disruption",
               "endpointslice", "clusterrole-aggregation", "resourcequota")


def unless_refused(question):
    """False where the API is not there yet, or says that it is not ready."""
    try:
        return question()
    except (*UNREACHABLE, ApiError):
        return False


class ControlPlane:
    """Everything listens on 127.0.0.1. `port` is the API's, and stays over restarts."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.credentials = Credentials(self.folder / "credentials")
        self.port, self._etcd_port, self._peer_port = free_port(), free_port(), free_port()
        self._etcd, self._server, self._controllers = (Process(self.folder, name) for name in
                                                       ("etcd", "kube-apiserver", "kube-controller-manager"))
        self.admin_kubeconfig = self.folder / "admin.kubeconfig"
        self.api = Api(self._identity)
        self._feature_gates = {}

    def _identity(self):
        return self.port, self.credentials.server_ca, self.credentials.admin, None

    # ---- its life

    def start(self):
        self.credentials.kubeconfig(self.admin_kubeconfig, self.port)
        etcd = f"http://127.0.0.1:{self._etcd_port}"
        peers = f"http://127.0.0.1:{self._peer_port}"
        # Nothing here outlives the test: no write needs to reach the disk.
        self._etcd.spawn([tool("kubernetes"), "etcd", "--data-dir", self.folder / "etcd", "--unsafe-no-fsync",
                          "--listen-client-urls", etcd, "--advertise-client-urls", etcd, "--listen-peer-urls", peers,
                          "--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}",
                          "--log-level", "warn"], [self._etcd_port])
        self.start_apiserver()
        self._start_controllers()
        eventually(lambda: unless_refused(lambda: self.api.find("serviceaccounts", "default", "default")), 30,
                   "the default service account")
        return self

    def start_apiserver(self, feature_gates=None, ready=True):
        """feature_gates={"WatchList": False} holds until it is said otherwise."""
        if feature_gates is not None:
            self._feature_gates = feature_gates
        keys = self.credentials
        gates = ",".join(f"{name}={str(on).lower()}" for name, on in {"WatchList": True, **self._feature_gates}.items())
        self._server.spawn([
            tool("kubernetes"), "kube-apiserver", "--bind-address=127.0.0.1", f"--secure-port={self.port}",
            "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--authorization-mode=RBAC",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}", f"--service-cluster-ip-range={SERVICE_NETWORK}",
            f"--tls-cert-file={keys.server[0]}", f"--tls-private-key-file={keys.server[1]}",
            f"--client-ca-file={keys.folder / 'client-ca.pem'}", f"--service-account-key-file={keys.signer_public}",
            f"--service-account-signing-key-file={keys.signer}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local", "--allow-privileged",
            # Strict clusters ask whoever makes an owner wait for what it owns whether they may.
            "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
            "--profiling=false", f"--feature-gates={gates}", f"--cert-dir={self.folder / 'made'}"], [])
        if ready:
            self.wait_ready()

    def wait_ready(self, patience=60):
        def ready():
            code = self._server.process.poll()
            if code is not None:
                raise RuntimeError(f"kube-apiserver ended with {code}:\n{self._server.log[-3000:]}")
            # /readyz answers "ok", which is no JSON.
            try:
                self.api.call("GET", "/readyz")
            except json.JSONDecodeError:
                return True
            return True
        eventually(lambda: unless_refused(ready), patience, "kube-apiserver is ready")

    def stop_apiserver(self):
        """As in an outage: connections are cut at once."""
        if self._server.process:
            self._server.process.kill()
        self._server.stop()

    def _start_controllers(self):
        self._controllers.spawn([
            tool("kubernetes"), "kube-controller-manager", f"--kubeconfig={self.admin_kubeconfig}", "--leader-elect=false",
            "--secure-port=0", f"--root-ca-file={self.credentials.server_ca}",
            f"--service-account-private-key-file={self.credentials.signer}", "--use-service-account-credentials=false",
            f"--controllers={','.join(f'{name}-controller' for name in CONTROLLERS)}",
            "--kube-api-qps=500", "--kube-api-burst=1000"], [])

    def replace_authority(self):
        """The API has a certificate of a new authority, and all tokens of before are refused; etcd stays as it is."""
        self._controllers.stop()
        self.stop_apiserver()
        self.credentials.replace()
        self.credentials.kubeconfig(self.admin_kubeconfig, self.port)
        self.start_apiserver()
        self._start_controllers()

    def close(self):
        for process in (self._controllers, self._server, self._etcd):
            if process.process is not None and process is not self._etcd:
                # Nothing of theirs is worth waiting for: an API server drains for as long as somebody watches.
                process.process.kill()
            process.stop()

    # ---- who may ask

    def token(self, namespace, account, seconds=3600, audiences=(), pod=None):
        """A token of a service account (TokenRequest); `pod` is the object that it is bound to."""
        spec = {"expirationSeconds": seconds, "audiences": list(audiences)}
        if pod:
            spec["boundObjectRef"] = {"kind": "Pod", "apiVersion": "v1", "name": pod["metadata"]["name"],
                                      "uid": pod["metadata"]["uid"]}
        answer = self.api.create("serviceaccounts", {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
                                                     "spec": spec}, namespace, account, "token")
        return answer["status"]["token"]

    def kubeconfig_of(self, namespace, account, seconds=3600):
        """The path of a kubeconfig with a new token of this service account."""
        path = self.folder / f"{namespace}-{account}-{time.monotonic_ns()}.kubeconfig"
        return self.credentials.kubeconfig(path, self.port, self.token(namespace, account, seconds), namespace)


def needs():
    """What is missing here for a cluster; empty where nothing is."""
    missing = []
    for name in ("kubernetes", "kubectl"):
        try:
            tool(name)
        except AssertionError as error:
            missing.append(str(error))
    return missing


def version():
    return subprocess.run([tool("kubernetes"), "kube-apiserver", "--version"], capture_output=True, text=True).stdout.strip()
