"""Node: a node of the cluster whose Pods are processes of this machine. It is scheduler, kubelet and cloud in one small part."""

import pathlib
import threading

from .addresses import AddressBlock
from .api import UNREACHABLE, ApiError, Watch
from .balancer import Balancers
from .images import Images
from .pod import Pod


class Node:
    """`csi_drivers` maps a driver's name to a function (Pod object, volume attributes) -> {file: bytes}; `images` says what an
    image stands for. Both may be added to."""

    def __init__(self, control_plane, folder, name="node-1", zone="zone-1"):
        self.name, self.api, self.api_port = name, control_plane.api, control_plane.port
        self.token = control_plane.token
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.addresses = AddressBlock()
        self.host = self.addresses.host
        self.images, self.csi_drivers = Images(), {}
        self._pods, self._lock = {}, threading.Lock()
        self._register(zone)
        self._balancers = Balancers(self.api, self.addresses)
        self._watches = [Watch(self.api, "pods", self._see_pod)]
        for kind in ("secrets", "configmaps"):
            self._watches.append(Watch(self.api, kind, lambda _, found, kind=kind: self._see_source(kind, found)))

    def _register(self, zone):
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                  "topology.kubernetes.io/zone": zone}
        self.api.create("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name, "labels": labels}})
        # Admission taints what is new until somebody finds it well.
        self.api.patch("nodes", None, self.name, {"spec": {"taints": []}})
        room = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "the node agent of the tests is up"}
        self.api.patch("nodes", None, self.name, {"status": {
            "capacity": room, "allocatable": room, "conditions": [ready],
            "addresses": [{"type": "InternalIP", "address": self.host}, {"type": "Hostname", "address": self.name}],
            "nodeInfo": {"kubeletVersion": "v1.33.0", "operatingSystem": "linux", "architecture": "amd64", "machineID": "",
                         "systemUUID": "", "bootID": "", "kernelVersion": "", "osImage": "processes", "kubeProxyVersion": "",
                         "containerRuntimeVersion": "processes://1"}}}, "status")

    # ---- what tests ask for

    def pods(self, namespace=None):
        with self._lock:
            return [pod for pod in self._pods.values() if namespace in (None, pod.namespace)]

    def pod(self, namespace, name):
        """The running Pod of this name; KeyError if it runs none."""
        for pod in self.pods(namespace):
            if pod.name == name:
                return pod
        raise KeyError(name)

    def refresh_tokens(self):
        """New tokens in all Pods, as after the cluster's key for them was replaced."""
        for pod in self.pods():
            pod.refresh(tokens=True)

    def close(self):
        """Ends all processes at once; the API may already be away."""
        for watch in self._watches:
            watch.close()
        self._balancers.close()
        pods = self.pods()
        for pod in pods:
            pod.forget()
        for pod in pods:
            pod.join()
        self.addresses.close()

    # ---- what it sees

    def _see_pod(self, what, found):
        uid = found["metadata"]["uid"]
        with self._lock:
            pod = self._pods.get(uid)
            over = found.get("status", {}).get("phase") in ("Succeeded", "Failed") and not pod
            if what != "DELETED" and not pod and not over and found["spec"].get("nodeName") == self.name:
                self._pods[uid] = pod = Pod(self, found)
        if what == "DELETED":
            if pod:
                pod.forget()
        elif pod:
            pod.update(found)
        elif not found["spec"].get("nodeName") and not found["metadata"].get("deletionTimestamp"):
            self._bind(found)

    def _bind(self, found):
        """There is no scheduler: every Pod comes here, whatever its affinity says. Gates hold it back, as they must."""
        if found["spec"].get("schedulingGates"):
            return
        about = found["metadata"]
        target = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": about["name"], "uid": about["uid"]},
                  "target": {"apiVersion": "v1", "kind": "Node", "name": self.name}}
        try:
            self.api.create("pods", target, about["namespace"], about["name"], "binding")
        except ApiError as error:
            if error.status not in (404, 409):
                raise
        except UNREACHABLE:
            pass  # The watch lists again when the API is back, and the Pod is seen once more.

    def _see_source(self, kind, found):
        about = found["metadata"]
        for pod in self.pods(about["namespace"]):
            if pod.volumes.refers_to(kind, about["name"]):
                pod.refresh()

    def pod_ended(self, pod):
        with self._lock:
            self._pods.pop(pod.uid, None)
