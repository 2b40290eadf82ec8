"""Probe: one of a container's questions after its own health, asked when it is due."""

import http.client
import socket
import ssl
import subprocess
import time

# Until the first success a probe is asked this often, whatever its period: a test waits for it.
FIRST_SECONDS = 0.1


def port_of(container, port):
    """The number of a port that may be given by its name."""
    if isinstance(port, int) or str(port).isdigit():
        return int(port)
    return next(each["containerPort"] for each in container.spec.get("ports") or [] if each.get("name") == port)


def ask_http(container, action, timeout):
    host, port = action.get("host") or container.pod.address, port_of(container, action["port"])
    if action.get("scheme") == "HTTPS":
        # As the kubelet: any certificate will do.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        headers = {each["name"]: each["value"] for each in action.get("httpHeaders") or []}
        connection.request("GET", action.get("path", "/"), headers={"User-Agent": "kube-probe/1.33", **headers})
        return 200 <= connection.getresponse().status < 400
    finally:
        connection.close()


def perform(container, handler, timeout):
    """Whether a probe's, or a hook's, action succeeds within so many seconds."""
    try:
        if "httpGet" in handler:
            return ask_http(container, handler["httpGet"], timeout)
        if "tcpSocket" in handler:
            address = handler["tcpSocket"].get("host") or container.pod.address
            socket.create_connection((address, port_of(container, handler["tcpSocket"]["port"])), timeout).close()
            return True
        if "exec" in handler:
            return subprocess.run(container.words(handler["exec"]["command"]), env=container.environment, cwd=container.pod.root, timeout=timeout,
                                  stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
        if "sleep" in handler:
            time.sleep(min(handler["sleep"]["seconds"], timeout))
            return True
    except (OSError, http.client.HTTPException, subprocess.TimeoutExpired):
        return False
    raise ValueError(f"an action that is unknown here: {sorted(handler)}")


class Probe:
    """`passes` is None until it has decided, then whether the container passes."""

    def __init__(self, container, spec):
        self._container, self._spec = container, spec
        self.passes = None
        self._good, self._bad, self._counted = 0, 0, float("-inf")
        self._period = spec.get("periodSeconds", 10)
        self.due = time.monotonic() + spec.get("initialDelaySeconds", 0)

    def ask(self):
        good = perform(self._container, self._spec, self._spec.get("timeoutSeconds", 1))
        now = time.monotonic()
        if good:
            self._good, self._bad = self._good + 1, 0
        else:
            self._good = 0
            # Asked more often than told, a failure still counts once a period.
            if now - self._counted >= self._period:
                self._bad, self._counted = self._bad + 1, now
        if self._good >= self._spec.get("successThreshold", 1):
            self.passes = True
        elif self._bad >= self._spec.get("failureThreshold", 3):
            self.passes = False
        waited_for = not good and self.passes is not True
        self.due = now + (min(FIRST_SECONDS, self._period) if waited_for else self._period)
