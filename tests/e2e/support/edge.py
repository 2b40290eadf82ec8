"""Edge: the binary under test, started with a configuration and ended by its process id."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("SEKISHO_BINARY", ROOT / "build" / "release" / "sekisho")).resolve()
PATIENCE = float(os.environ.get("SEKISHO_PATIENCE", "20"))


# Below the ports that the kernel gives to outgoing connections, and each one once: a port that was merely free a moment ago is
# soon somebody else's.
# Tests that run beside each other (pytest -n) have a range each.
def _own_ports():
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        return iter(range(15000 + os.getpid() % 8000, 32000))
    return iter(range(15000 + int(worker.removeprefix("gw")) % 8 * 2000, 17000 + int(worker.removeprefix("gw")) % 8 * 2000))


_ports = _own_ports()


def free_port():
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is left")


def eventually(question, patience=PATIENCE, what=""):
    """Asks until the answer is true and returns it; fails with the last answer, or the last error. An error that comes of what is
    not there yet, as of a None in the place of an object, is no answer."""
    end = time.monotonic() + patience
    answer = None
    while True:
        try:
            answer = question()
            if answer:
                return answer
        except (OSError, AssertionError, AttributeError, KeyError, http.client.HTTPException) as error:
            answer = error
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience} s: {what or question} (last: {answer!r})")
        time.sleep(0.02)


class Edge:
    """`settings` is the configuration; listeners, admin and state directory are filled in where absent. `ports` are those of
    TLS and of plain HTTP, where it matters which they are."""

    def __init__(self, folder, settings, *, start=True, environment=None, ports=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "sekisho.yaml"
        self.settings = dict(settings)
        self.port, self.plain_port = ports or (free_port(), free_port())
        self.admin_port = free_port()
        self.settings.setdefault("workers", 2)
        self.settings.setdefault("state_directory", str(self.folder / "state"))
        self.settings.setdefault("listeners", [
            {"address": f"127.0.0.1:{self.port}", "tls": True},
            {"address": f"127.0.0.1:{self.plain_port}"},
        ])
        self.settings.setdefault("admin", {"address": f"127.0.0.1:{self.admin_port}"})
        self.settings.setdefault("access_log", "off")
        self.settings.setdefault("drain", {"grace": "50ms", "deadline": "5s"})
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.write()
        if start:
            self.start()

    def write(self, **changes):
        """Writes the configuration by rename, with these top-level keys changed (None removes)."""
        self.settings.update(changes)
        self.settings = {k: v for k, v in self.settings.items() if v is not None}
        self.write_text(yaml.safe_dump(self.settings, sort_keys=False))

    def write_text(self, text):
        fresh = self.folder / "sekisho.yaml.new"
        fresh.write_text(text)
        fresh.rename(self.file)

    def start(self, patience=PATIENCE, ready=True):
        assert BINARY.exists(), f"{BINARY} is not built"
        number = len(list(self.folder.glob("*.stderr")))
        self.stdout_path = self.folder / f"{number}.stdout"
        self.stderr_path = self.folder / f"{number}.stderr"
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen([BINARY, "run", "--config", self.file], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=err, env=self.environment, cwd=self.folder)
        if ready:
            self.wait_ready(patience)
        return self

    def wait_ready(self, patience=PATIENCE):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"sekisho ended with {self.process.returncode}:\n{self.stderr[-3000:]}")
            return self.admin("/readyz")[0] == 200
        eventually(ready, patience, "ready")

    # ---- what it says

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    @property
    def stdout(self):
        """Its whole lines: what is just being written may be there in part."""
        text = self.stdout_path.read_text(errors="replace")
        return text[:text.rfind("\n") + 1]

    def admin(self, path, method="GET"):
        """Status and body of the admin endpoint."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=20)
        try:
            connection.request(method, path, headers={"Content-Type": "application/json"} if method == "POST" else {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def readiness(self):
        return json.loads(self.admin("/readyz")[1])

    @property
    def generation(self):
        return self.readiness()["generation"]

    def metrics(self):
        """name -> list of (labels, value)."""
        found = {}
        for line in self.admin("/metrics")[1].splitlines():
            match = re.match(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)", line)
            if match and not line.startswith("#"):
                labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
                found.setdefault(match[1], []).append((labels, float(match[3])))
        return found

    def metric(self, name, **labels):
        """The sum of all series of this name that carry these labels; 0 if there is none."""
        return sum(value for have, value in self.metrics().get(name, [])
                   if all(have.get(k) == v for k, v in labels.items()))

    def memory(self):
        """Resident bytes."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    # ---- what is done to it

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, **changes):
        """Writes changes and waits until a later generation is served."""
        before = self.generation
        self.write(**changes)
        self.signal(signal.SIGHUP)
        eventually(lambda: self.generation > before, what="a new generation")

    def command(self, *words, check=None):
        """Runs a subcommand of the binary against this instance."""
        return run_command(*words, "--admin", f"127.0.0.1:{self.admin_port}", check=check)

    def stop(self, expected=0, patience=40):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"did not end within {patience} s of SIGTERM:\n{self.stderr[-2000:]}")
        code, self.process = self.process.returncode, None
        assert code == expected, f"ended with {code}, expected {expected}:\n{self.stderr[-3000:]}"

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None


def run_command(*words, check=None, **options):
    result = subprocess.run([BINARY, *map(str, words)], capture_output=True, text=True, timeout=30, **options)
    if check is not None:
        assert result.returncode == check, f"{words}: exit {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result


@contextlib.contextmanager
def running(folder, settings, **options):
    edge = Edge(folder, settings, **options)
    try:
        yield edge
        edge.stop()
    finally:
        edge.kill()
