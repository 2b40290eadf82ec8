"""Pod: one Pod of the node as local processes on an address of its own, in a thread that follows it to its end."""

import os
import re
import shutil
import threading
import time

from .api import MERGE, UNREACHABLE, ApiError, path_of
from .container import Container, end_all, stamp
from .not_yet import NotYet
from .volumes import Volumes

ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
LONGEST_NAP = 0.25


class Pod:
    """`object` is what the API said last; `root` is the folder in which the containers' mounts are found under their paths."""

    def __init__(self, node, found):
        self.node, self.object, self.host = node, found, node.host
        self.name, self.namespace = found["metadata"]["name"], found["metadata"]["namespace"]
        self.uid, self.spec = found["metadata"]["uid"], found["spec"]
        self.address = node.addresses.pod()
        self.folder = node.folder / f"{self.namespace}_{self.name}_{self.uid[:8]}"
        self.root = self.folder / "root"
        self.root.mkdir(parents=True)
        self.volumes = Volumes(node, self, self.folder / "volumes")
        # An init container that is always started again is what Kubernetes calls a sidecar.
        self.first = [Container(self, each, once=each.get("restartPolicy") != "Always")
                      for each in self.spec.get("initContainers") or []]
        self.containers = [Container(self, each) for each in self.spec["containers"]]
        self.ending, self.gone = False, threading.Event()
        self._begun, self._told, self._since = stamp(), None, {}
        self._wake, self._stale = threading.Event(), False
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"pod {self.name}")
        self._thread.start()

    # ---- what tests ask for

    @property
    def process(self):
        """That of the first container."""
        return self.containers[0].process

    @property
    def log(self):
        return "".join(each.log for each in (*self.first, *self.containers))

    def kill(self):
        """SIGKILL to all containers: they are started again, as restartPolicy says."""
        for each in (*self.first, *self.containers):
            each.kill()
        self._wake.set()

    def mounted(self, path):
        """Where the path of a mount is on this machine."""
        return self.root / path.lstrip("/")

    def translated(self, text, mounts=None):
        """Paths below these mounts, or those of all containers, as they are on this machine: a process sees no other root."""
        if mounts is None:
            mounts = [mount for each in (*self.first, *self.containers) for mount in each.spec.get("volumeMounts") or []]
        for path in sorted({mount["mountPath"].rstrip("/") for mount in mounts}, key=len, reverse=True):
            place = str(self.mounted(path))
            text = re.sub(rf"(?<![\w./-]){re.escape(path)}(?=$|[^\w.-])", lambda _, place=place: place, text)
        return text

    # ---- what the node tells it

    @property
    def grace(self):
        return self.object["metadata"].get("deletionGracePeriodSeconds") or self.spec.get("terminationGracePeriodSeconds", 30)

    def update(self, found):
        self.object = found
        if found["metadata"].get("deletionTimestamp"):
            self.ending = True
        self._wake.set()

    def forget(self):
        """The object is gone: so are its processes, at once."""
        self.ending = True
        self.gone.set()
        self.kill()

    def refresh(self, tokens=False):
        """Looks again at what its volumes hold; tokens: gets new ones."""
        if tokens:
            self.volumes.forget_tokens()
        self._stale = True
        self._wake.set()

    def join(self, seconds=10):
        self._thread.join(seconds)

    def environment(self, container):
        """What every container is told, before its own variables."""
        ports = ",".join(str(port["containerPort"]) for port in container.get("ports") or [])
        return {"PATH": os.environ["PATH"], "HOME": str(self.root), "HOSTNAME": self.name, "POD_ROOT": str(self.root),
                "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.node.api_port),
                "KUBERNETES_SERVICE_PORT_HTTPS": str(self.node.api_port),
                "KUBERNETES_SERVICE_ACCOUNT_DIRECTORY": str(self.mounted(ACCOUNT_FOLDER)),
                "POD_IP": self.address, "POD_PORTS": ports, "POD_NAME": self.name, "POD_NAMESPACE": self.namespace}

    # ---- its life

    def _run(self):
        try:
            if self._prepared() and self._initialised():
                self._follow()
            self._hold()
            self._end()
        finally:
            for each in (*self.first, *self.containers):
                each.end(0)
            shutil.rmtree(self.folder / "volumes", ignore_errors=True)
            self.node.pod_ended(self)

    def _nap(self, until):
        self._wake.wait(max(0.0, min(until - time.monotonic(), LONGEST_NAP)))
        self._wake.clear()
        if self._stale or self.volumes.tokens_due():
            self._rewrite()

    def _rewrite(self):
        self._stale = False
        try:
            self.volumes.write()
        except (NotYet, ApiError, *UNREACHABLE):
            # What it has stays; the API may be away. It is tried again at the next nap.
            self._stale = not self.ending

    def _prepared(self):
        """Waits until the volumes are there; False if it is deleted first."""
        while not self.ending:
            try:
                self.volumes.write()
                self._mount()
                return True
            except (NotYet, ApiError, *UNREACHABLE) as why:
                for each in (*self.first, *self.containers):
                    each.state = {"waiting": {"reason": getattr(why, "reason", "ContainerCreating") or "ContainerCreating",
                                              "message": str(why)}}
                self._tell()
                self._wake.wait(0.3)
                self._wake.clear()
        return False

    def _mount(self):
        for each in (*self.first, *self.containers):
            for mount in each.spec.get("volumeMounts") or []:
                place, source = self.mounted(mount["mountPath"].rstrip("/")), self.volumes.path(mount["name"])
                if place.is_symlink() or place.exists():
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                if mount.get("subPath"):
                    source = source / mount["subPath"]
                place.symlink_to(source)

    def _initialised(self):
        """Runs the init containers one after the other; False if the Pod ends before they have."""
        for each in self.first:
            while not self.ending and not (each.ready if each.once else each.started):
                due = each.tick()
                self._tell()
                if each.once and each.ended:
                    return False
                self._nap(due)
        return not self.ending

    def _follow(self):
        """Until it is deleted, or all its containers have ended for good."""
        everyone = [*(each for each in self.first if not each.once), *self.containers]
        while not self.ending:
            due = min(each.tick() for each in everyone)
            self._tell()
            if all(each.ended is not None for each in self.containers):
                end_all(self.first, self.grace)
                self._wake.wait(LONGEST_NAP)
                self._wake.clear()
                continue
            self._nap(due)

    def _hold(self):
        """A Pod that has failed stays to be looked at until it is deleted."""
        while not self.ending:
            self._tell()
            self._nap(time.monotonic() + LONGEST_NAP)

    def _end(self):
        ended = threading.Event()

        def end():
            end_all(self.containers, 0 if self.gone.is_set() else self.grace)
            end_all(self.first, 0 if self.gone.is_set() else 2)
            ended.set()
        threading.Thread(target=end, daemon=True).start()
        while not ended.wait(0.05):
            # Probes go on to be asked: what drains may say that it is no longer ready.
            for each in self.containers:
                each.tick()
            self._tell()
        for each in (*self.first, *self.containers):
            each.tick()
        while not self.gone.is_set():
            self._tell()
            try:
                self.node.api.delete("pods", self.namespace, self.name, gracePeriodSeconds=0, preconditions={"uid": self.uid})
                return
            except ApiError:
                return
            except UNREACHABLE:
                self.gone.wait(0.3)

    # ---- what it tells

    def _phase(self):
        codes = [each.ended for each in self.containers]
        if any(each.once and each.ended and not each.running for each in self.first):
            return "Failed"
        if all(code is not None for code in codes):
            return "Failed" if any(codes) else "Succeeded"
        started = all(each.ready if each.once else each.started for each in self.first)
        return "Running" if started and any(each.process for each in self.containers) else "Pending"

    def _condition(self, kind, true):
        value = "True" if true else "False"
        if self._since.get(kind, ("", ""))[0] != value:
            self._since[kind] = (value, stamp())
        return {"type": kind, "status": value, "lastTransitionTime": self._since[kind][1]}

    def _status(self):
        phase = self._phase()
        ready = phase == "Running" and all(each.ready for each in self.containers)
        others = {each["type"]: each for each in (self.object.get("status") or {}).get("conditions") or []}
        gates = all(others.get(gate["conditionType"], {}).get("status") == "True"
                    for gate in self.spec.get("readinessGates") or [])
        own = [self._condition("PodScheduled", True), self._condition("Initialized", phase != "Pending"),
               self._condition("ContainersReady", ready), self._condition("Ready", ready and gates)]
        kept = [each for kind, each in others.items() if kind not in {condition["type"] for condition in own}]
        return {"phase": phase, "startTime": self._begun, "hostIP": self.host, "hostIPs": [{"ip": self.host}],
                "podIP": self.address, "podIPs": [{"ip": self.address}], "conditions": own + kept,
                "containerStatuses": [each.status() for each in self.containers],
                "initContainerStatuses": [each.status() for each in self.first]}

    def _tell(self):
        status = self._status()
        if status == self._told or self.gone.is_set():
            return
        try:
            self.node.api.call("PATCH", path_of("pods", self.namespace, self.name, "status"),
                               {"metadata": {"uid": self.uid}, "status": status}, MERGE)
            self._told = status
        except ApiError as error:
            if error.status in (404, 409):
                self.gone.set()
                self.ending = True
        except UNREACHABLE:
            pass  # It is told again at the next tick: status differs from what was told.
