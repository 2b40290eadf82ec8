"""Cluster: a control plane and a node, and the ways to ask them."""

import itertools
import pathlib

from support.edge import eventually

from .api import ApiError
from .control_plane import ControlPlane
from .kubectl import Kubectl
from .node import Node

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"
CRDS = DATA / "crds"


class Cluster:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.control_plane = ControlPlane(self.folder / "control-plane")
        self.node = None
        self._namespaces = itertools.count(1)

    def start(self):
        try:
            self.control_plane.start()
            self.kubectl = Kubectl(self.control_plane.admin_kubeconfig, self.folder)
            self.node = Node(self.control_plane, self.folder / "pods")
        except BaseException:
            self.close()
            raise
        return self

    def close(self):
        try:
            if self.node:
                self.node.close()
        finally:
            self.control_plane.close()

    @property
    def api(self):
        return self.control_plane.api

    # ---- what is in it

    def apply_crds(self, *groups):
        """apply_crds("cert-manager", "gateway-api"): folders of tests/data/crds; waits until they are served."""
        folders = [str(CRDS / group) for group in groups]
        # On the server's side: the largest do not fit into the annotation that a plain apply makes.
        names = self.kubectl("apply", "--server-side", *(word for folder in folders for word in ("-f", folder)), "-o",
                             "name").split()
        crds = [name for name in names if name.startswith("customresourcedefinition")]
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", *crds)

    def new_namespace(self, prefix="test"):
        """The name of a namespace that is new, with its service account."""
        name = f"{prefix}-{next(self._namespaces)}"
        self.api.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        # Without it no Pod is accepted.
        eventually(lambda: self.api.find("serviceaccounts", name, "default"))
        return name

    def drop_namespace(self, name):
        try:
            self.api.delete("namespaces", None, name)
        except ApiError:
            pass

    def kubectl_as(self, namespace, account):
        """kubectl with the rights of a service account."""
        return Kubectl(self.control_plane.kubeconfig_of(namespace, account), self.folder, namespace)

    # ---- what happens to it

    def stop_apiserver(self):
        self.control_plane.stop_apiserver()

    def start_apiserver(self, **options):
        self.control_plane.start_apiserver(**options)

    def replace_authority(self):
        """A new CA of the API and a new key for tokens, written to the Pods as soon as the API is back."""
        self.control_plane.replace_authority()
        self.node.refresh_tokens()
