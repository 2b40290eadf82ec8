"""Container: one process of a Pod, started again as the Pod's restartPolicy says, and what its status is."""

import datetime
import os
import signal
import subprocess
import threading
import time

from .fields import environment_of, expanded
from .not_yet import NotYet
from .probe import Probe, perform

FIRST_BACKOFF, LONGEST_BACKOFF = 0.3, 5.0


def stamp():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Container:
    """Only its Pod's thread calls it, but for kill()."""

    def __init__(self, pod, spec, *, once=False):
        self.pod, self.spec, self.name = pod, spec, spec["name"]
        self.once = once
        self.process, self.environment = None, {}
        self.restarts = 0
        self.log_path = pod.folder / f"{self.name}.log"
        self.state = {"waiting": {"reason": "PodInitializing" if pod.spec.get("initContainers") else "ContainerCreating"}}
        self._last_state, self._probes, self._backoff, self._due = {}, {}, FIRST_BACKOFF, 0.0
        self._lock = threading.Lock()

    # ---- what it is

    @property
    def running(self):
        return "running" in self.state

    @property
    def ended(self):
        """Its exit code if it has ended for good, else None."""
        return self.state["terminated"]["exitCode"] if "terminated" in self.state else None

    @property
    def started(self):
        probe = self._probes.get("startupProbe")
        return self.running and (probe is None or probe.passes is True)

    @property
    def ready(self):
        if self.once:
            return self.ended == 0
        probe = self._probes.get("readinessProbe")
        return self.started and (probe is None or probe.passes is True)

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def status(self):
        return {"name": self.name, "image": self.spec["image"], "imageID": "local/" + self.spec["image"], "ready": self.ready,
                "started": self.started, "restartCount": self.restarts, "state": self.state, "lastState": self._last_state}

    def translated(self, text):
        """Paths below the container's mounts, as they are on this machine."""
        return self.pod.translated(text, self.spec.get("volumeMounts") or [])

    def words(self, command):
        """A command to run in the container, as it is run on this machine."""
        image = self.pod.node.images.find(self.spec["image"])
        first, *rest = image.resolved(command) or command
        # The program's own path is no path of the container.
        return [first, *(self.translated(word) for word in rest)]

    # ---- its life

    def start(self):
        """Raises NotYet where something is missing."""
        image = self.pod.node.images.find(self.spec["image"])
        if image is None:
            raise NotYet("ErrImagePull", f"no program of this machine stands for the image {self.spec['image']}")
        told = environment_of(self.pod, self.spec, self.pod.node.api)
        words = image.command(self.spec)
        if words is None:
            raise NotYet("RunContainerError", "the image has no program of that name")
        self.environment = {**self.pod.environment(self.spec), **{key: self.translated(value) for key, value in told.items()}}
        # The program's own path is no path of the container.
        words = words[:1] + [self.translated(expanded(word, {**self.environment, **told})) for word in words[1:]]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
                                            cwd=self.pod.root, start_new_session=True)
        self.state = {"running": {"startedAt": stamp()}}
        self._probes = {kind: Probe(self, self.spec[kind]) for kind in ("startupProbe", "readinessProbe", "livenessProbe")
                        if self.spec.get(kind)}
        self._began = time.monotonic()

    def tick(self):
        """Does what is due; returns the time (monotonic) when something is due again."""
        now = time.monotonic()
        if self.running and self._exited():
            self._note_end()
        if self.running:
            return self._ask(now)
        if self.pod.ending:
            return now + LONGEST_BACKOFF
        if self.ended is None and now >= self._due:
            try:
                self.start()
            except (NotYet, OSError, ValueError) as why:
                self.wait_for(why)
            return now
        return self._due if self.ended is None else now + 3600

    def wait_for(self, why):
        self.state = {"waiting": {"reason": getattr(why, "reason", "RunContainerError"), "message": str(why)}}
        self._due = time.monotonic() + 0.3

    def _ask(self, now):
        startup = self._probes.get("startupProbe")
        open_probes = [startup] if startup and not startup.passes else [
            probe for kind, probe in self._probes.items() if kind != "startupProbe"]
        for probe in open_probes:
            if now >= probe.due:
                probe.ask()
        for kind in ("startupProbe", "livenessProbe"):
            probe = self._probes.get(kind)
            if probe in open_probes and probe.passes is False and not self.pod.ending:
                self.end(self.pod.grace)
                return time.monotonic()
        return min((probe.due for probe in open_probes), default=now + 3600)

    def _note_end(self):
        code = self.process.returncode
        told = {"exitCode": code if code >= 0 else 128 - code, "reason": "Completed" if code == 0 else "Error",
                "startedAt": self.state["running"]["startedAt"], "finishedAt": stamp()}
        if self.pod.ending or not self._again(code):
            self.state = {"terminated": told}
            return
        self._last_state = {"terminated": told}
        self.restarts += 1
        if time.monotonic() - self._began > 10:
            self._backoff = FIRST_BACKOFF
        self._due = time.monotonic() + self._backoff
        self.state = {"waiting": {"reason": "CrashLoopBackOff", "message": f"back-off {self._backoff} s"}}
        self._backoff = min(self._backoff * 2, LONGEST_BACKOFF)

    def _again(self, code):
        policy = self.spec.get("restartPolicy") or self.pod.spec.get("restartPolicy", "Always")
        if self.once:
            return code != 0 and policy != "Never"
        return policy == "Always" or (policy == "OnFailure" and code != 0)

    def end(self, grace):
        """The preStop hook, SIGTERM, and SIGKILL when the grace is over; the hook's time is part of the grace."""
        deadline = time.monotonic() + grace
        if self._exited():
            return
        hook = (self.spec.get("lifecycle") or {}).get("preStop")
        if hook:
            perform(self, hook, grace)
        self._signal(signal.SIGTERM)
        while not self._exited() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.kill()
        while not self._exited():
            time.sleep(0.005)

    def kill(self):
        """SIGKILL to the process and what it started."""
        self._signal(signal.SIGKILL)

    def _exited(self):
        """Whether there is no process; what it left behind in its group is killed before its id is given back."""
        with self._lock:
            if self.process is None or self.process.returncode is not None:
                return True
            if os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return False
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return True

    def _signal(self, number):
        # Only while its id is held by it: later it may be a stranger's.
        with self._lock:
            if self.process is not None and self.process.returncode is None:
                os.killpg(self.process.pid, number)


def end_all(containers, grace):
    """All at once, as the kubelet does."""
    threads = [threading.Thread(target=each.end, args=(grace,), daemon=True) for each in containers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
