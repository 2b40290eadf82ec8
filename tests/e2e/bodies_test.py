"""Bodies stream both ways in bounded memory. SEKISHO_BODY_MIB sets their size: 1024 by default, 10240 for the full claim."""

import os
import subprocess
import threading
import time

import pytest

from support.client import curl, http1, http2
from support.edge import eventually

SIZE = int(os.environ.get("SEKISHO_BODY_MIB", "1024")) << 20
ALLOWED = 10 << 20


class Memory:
    """Watches the resident size while a body passes; `growth` is the largest seen over that at the start."""

    def __init__(self, edge):
        self.edge, self.start, self.most = edge, edge.memory(), 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self.done.wait(0.05):
            self.most = max(self.most, self.edge.memory())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    @property
    def growth(self):
        return max(0, self.most - self.start)


@pytest.fixture
def warm(run_edge, settings, make_backend):
    """An edge that has already moved a few MiB each way, so that only growth with the size counts."""
    edge = run_edge(settings(make_backend()))
    for version in ("--http1.1", "--http2"):
        curl(edge, f"/download?size={16 << 20}", version, "-o", "/dev/null")
        upload(edge, version, 16 << 20)
    return edge


def upload(edge, version, size, patience=600):
    source = subprocess.Popen(["head", "-c", str(size), "/dev/zero"], stdout=subprocess.PIPE)
    done = subprocess.run(["curl", "-sSk", version, "--noproxy", "*", "-T", "-", "--resolve",
                           f"www.example.com:{edge.port}:127.0.0.1", f"https://www.example.com:{edge.port}/upload"],
                          stdin=source.stdout, capture_output=True, text=True, timeout=patience)
    source.wait()
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_huge_download_does_not_grow_the_process(warm, version):
    with Memory(warm) as memory:
        shown = curl(warm, f"/download?size={SIZE}", version, "-o", "/dev/null", "-w", "%{size_download}", patience=900)
    assert int(shown) == SIZE
    assert memory.growth < ALLOWED, f"grew by {memory.growth >> 10} KiB"


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_huge_upload_does_not_grow_the_process(warm, version):
    with Memory(warm) as memory:
        assert upload(warm, version, SIZE, 900) == SIZE
    assert memory.growth < ALLOWED, f"grew by {memory.growth >> 10} KiB"


@pytest.mark.parametrize("open_client", [http1, http2], ids=["http1", "http2"])
def test_a_slow_reader_holds_back_only_itself(warm, open_client):
    with Memory(warm) as memory:
        client = open_client(warm, **({"window": 65535} if open_client is http2 else {}))
        if open_client is http1:
            client.send("GET /download?size=500000000 HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
            client.head()
        else:
            client.request(path="/download?size=500000000")
        begun = time.monotonic()
        for _ in range(20):
            assert curl(warm, "/status/200") == "status\n"
        assert time.monotonic() - begun < 20  # held back they would wait until the reader is cut off
        time.sleep(0.5)
        client.close()
    assert memory.growth < ALLOWED, f"a reader that does not read cost {memory.growth >> 10} KiB"


def test_a_slow_backend_holds_back_the_sender(run_edge, settings, make_backend):
    """A backend that does not read an upload: the client must be made to wait, not the edge to buffer."""
    server = make_backend()
    server.do_sleep = lambda exchange: server.gate.wait(20) and False
    edge = run_edge(settings(server))
    curl(edge, "/echo")
    with Memory(edge) as memory:
        client = http1(edge)
        client.send("POST /sleep HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 1000000000\r\n\r\n")
        client.sock.settimeout(1.0)
        sent = 0
        try:
            while sent < 100 << 20:
                client.sock.sendall(b"\0" * 65536)
                sent += 65536
        except OSError:
            pass
        server.gate.set()
    assert sent < 100 << 20 and memory.growth < ALLOWED, (sent, memory.growth)


def test_a_slow_backend_holds_back_an_http2_stream_and_no_other(run_edge, settings, make_backend):
    """The windows are given when the backend takes the body, not when it arrives."""
    server = make_backend()
    server.do_sleep = lambda exchange: server.gate.wait(60) and server.do_upload(exchange)
    edge = run_edge(settings(server))
    curl(edge, "/echo", "--http2")
    with Memory(edge) as memory:
        client = http2(edge)
        client.until(lambda: client.settings)
        stuck = client.request("POST", "/sleep", end=False)
        eventually(lambda: ("POST", "/sleep") in server.requests)
        sent = 0
        # Each answer to a request on another stream comes after the window updates that were due before it.
        for _ in range(20):
            while (room := min(client.h2.local_flow_control_window(stuck), client.h2.max_outbound_frame_size)) > 0:
                client.h2.send_data(stuck, b"\0" * room)
                client.flush()
                sent += room
                assert sent < 64 << 20, "nobody holds the sender back"
            assert client.get("/status/204")[0] == 204
    assert sent >= 65535 and memory.growth < ALLOWED, (sent, memory.growth)
    server.gate.set()
    client.send_data(stuck, b"end", end=True)
    assert client.response(stuck)[2] == str(sent + 3).encode()


def test_fifty_downloads_at_once_stay_bounded(warm):
    with Memory(warm) as memory:
        clients = [http1(warm) for _ in range(50)]
        for client in clients:
            client.send("GET /download?size=100000000 HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
        for client in clients:
            client.head()
        time.sleep(0.5)
        for client in clients:
            client.close()
    assert memory.growth < 30 << 20, f"{memory.growth >> 10} KiB for 50 readers"
    eventually(lambda: warm.admin("/readyz")[0] == 200)
