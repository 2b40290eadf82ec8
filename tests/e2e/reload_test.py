"""Configuration that changes while everything goes on, and the drain at the end."""

import json
import signal
import threading
import time

import pytest

from support.client import WebSocket, WebSocketOverHttp2, curl, curl_status, http1, http2, plain_http1
from support.edge import eventually, free_port

HOST = "Host: www.example.com\r\n"


def answering(text, **more):
    return [{"respond": {"body": text}, **more}]


def test_a_hangup_loads_the_file_again(run_edge, settings):
    edge = run_edge(settings(None, routes=answering("old")))
    assert curl(edge, "/") == "old"
    edge.reload(routes=answering("new"))
    eventually(lambda: curl(edge, "/") == "new")


def test_a_changed_file_is_loaded_by_itself(run_edge, settings):
    edge = run_edge(settings(None, routes=answering("old")))
    before = edge.generation
    edge.write(routes=answering("new"))
    eventually(lambda: curl(edge, "/") == "new")
    assert edge.generation > before


def test_a_refused_file_leaves_the_old_and_is_shown(run_edge, settings):
    edge = run_edge(settings(None, routes=answering("old")))
    before = edge.generation
    edge.write_text("routes: [{backend: nowhere}]\n")
    edge.signal(signal.SIGHUP)
    eventually(lambda: "nowhere" in json.dumps(edge.readiness()), what="the reason in /readyz")
    assert curl(edge, "/") == "old" and edge.generation == before
    assert edge.admin("/readyz")[0] == 200, "the old configuration serves: still ready"
    text = edge.admin("/metrics")[1]
    assert any("reload" in line and "refused" in line and not line.endswith(" 0") for line in text.splitlines())
    edge.write(routes=answering("new"))
    eventually(lambda: curl(edge, "/") == "new")
    eventually(lambda: "nowhere" not in json.dumps(edge.readiness()))


def test_a_listener_that_cannot_open_refuses_the_reload(run_edge, settings, backend):
    edge = run_edge(settings(None, routes=answering("old")))
    taken = backend.port
    edge.write(listeners=[*edge.settings["listeners"], {"address": f"127.0.0.1:{taken}"}], routes=answering("new"))
    edge.signal(signal.SIGHUP)
    eventually(lambda: str(taken) in json.dumps(edge.readiness()))
    assert curl(edge, "/") == "old"


def test_listeners_come_and_go(run_edge, settings):
    edge = run_edge(settings(None, routes=answering("x")))
    first, extra = edge.settings["listeners"], free_port()
    edge.reload(listeners=[*first, {"address": f"127.0.0.1:{extra}"}])
    client = plain_http1(extra)
    assert client.get("/")[0] == 200
    edge.reload(listeners=first)

    def refused():
        try:
            plain_http1(extra, patience=1).close()
        except ConnectionRefusedError:
            return True
    eventually(refused, what="the removed listener is closed")
    assert curl(edge, "/") == "x"


def test_a_connection_follows_changes_from_its_next_request(run_edge, settings):
    edge = run_edge(settings(None, routes=answering("old")))
    one, two = http1(edge), http2(edge)
    assert one.get("/")[2] == two.get("/")[2] == b"old"
    edge.reload(routes=answering("new"))
    eventually(lambda: one.get("/")[2] == b"new" and two.get("/")[2] == b"new")


def test_a_request_in_flight_ends_in_the_world_it_began_in(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(settings(server))
    client = http1(edge)
    client.send(f"GET /gate HTTP/1.1\r\n{HOST}\r\n")
    eventually(lambda: server.requests)
    edge.reload(routes=answering("new"), backends={})
    server.gate.set()
    assert json.loads(client.response()[2])["backend"]


def test_websockets_live_on_through_reloads(run_edge, settings, backend):
    edge = run_edge(settings(backend))
    first, second = WebSocket(http1(edge)), WebSocketOverHttp2(http2(edge))
    for number in range(10):
        edge.reload(routes=[{"backend": "app", "name": f"r{number}"}, *answering("x", path={"prefix": f"/{number}"})])
        first.echo(b"still here")
        second.echo(b"here too")
    edge.reload(routes=answering("gone"), backends={})
    first.echo(b"still here")
    second.echo(b"here too")


def test_an_unchanged_backend_keeps_its_connections(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(settings(server, workers=1))
    client = http1(edge)
    for number in range(5):
        assert client.get("/echo")[0] == 200
        edge.reload(routes=[{"backend": "app", "name": f"r{number}"}])
    assert server.connections == 1


def test_limits_and_the_tls_profile_change(run_edge, settings, backend):
    from support.client import s_client
    edge = run_edge(settings(backend))
    assert s_client(edge, "-tls1_2")[0] == 0
    edge.reload(tls={"profile": "modern"}, limits={"uri_length": "100"})
    eventually(lambda: s_client(edge, "-tls1_2")[0] != 0)
    eventually(lambda: curl_status(edge, "/" + "a" * 200) == 414)


def test_certificates_come_and_go(run_edge, settings, backend, authority, tmp_path):
    from certificates_test import serial
    edge = run_edge(settings(backend))
    fresh = authority.issue("added.example.com")
    crt, key = fresh.write(tmp_path, "added")
    edge.reload(certificates=[*edge.settings["certificates"], {"files": {"certificate": str(crt), "key": str(key)}}])
    eventually(lambda: serial(edge, "added.example.com") == fresh.serial)
    edge.reload(certificates=edge.settings["certificates"][:1])
    eventually(lambda: serial(edge, "added.example.com") != fresh.serial)


@pytest.mark.alone
def test_reloads_under_load_lose_nothing(run_edge, settings, backend):
    edge = run_edge(settings(backend))
    stop, failures, served = threading.Event(), [], [0]

    def load(open_client):
        try:
            while not stop.is_set():
                client = open_client(edge)
                for _ in range(10):
                    assert client.get("/status/200")[0] == 200
                    served[0] += 1
                client.close()
        except Exception as error:  # noqa: BLE001: whatever it is, it is a failure of the edge
            failures.append(repr(error))

    threads = [threading.Thread(target=load, args=(c,)) for c in (http1, http2, http1, http2)]
    for thread in threads:
        thread.start()
    reloads = 0
    end = time.monotonic() + 60
    while (reloads < 20 or served[0] < 200) and not failures and time.monotonic() < end:
        edge.reload(routes=[{"backend": "app", "name": f"r{reloads}"}])
        reloads += 1
    stop.set()
    for thread in threads:
        thread.join(20)
    assert not failures and served[0] >= 200, (failures, served)


# ---- drain

def test_drain_says_not_ready_serves_on_and_then_closes(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(settings(server, drain={"grace": "4s", "deadline": "20s"}))
    one, two, busy = http1(edge), http2(edge), http1(edge)
    assert one.get("/echo")[0] == two.get("/echo")[0] == 200
    busy.send(f"GET /gate HTTP/1.1\r\n{HOST}\r\n")
    eventually(lambda: ("GET", "/gate") in server.requests)
    edge.signal(signal.SIGTERM)
    eventually(lambda: edge.admin("/readyz")[0] == 503, patience=3, what="not ready")
    assert curl_status(edge, "/echo") == 200, "new connections are served in the grace time"
    with pytest.raises((EOFError, OSError)):
        two.until(lambda: False)
    assert two.goaway is not None and two.goaway.error_code == 0

    def refused():
        try:
            http1(edge).close()
        except ConnectionRefusedError:
            return True
    eventually(refused, what="listeners are closed")
    server.gate.set()
    status, headers, _, _ = busy.response()
    assert status == 200 and headers["connection"] == ["close"]
    assert edge.process.wait(10) == 0, "ends as soon as the last one has"


def test_drain_ends_at_its_deadline(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(settings(server, drain={"grace": "0", "deadline": "2s"}))
    socket_ = WebSocket(http1(edge))
    begun = time.monotonic()
    edge.signal(signal.SIGTERM)
    eventually(lambda: edge.readiness()["draining"])
    socket_.echo(b"until the deadline")
    edge.process.wait(20)
    assert 1.9 < time.monotonic() - begun < 8
    assert socket_.http.closed()


def test_drain_while_idle_is_quick_and_clean(run_edge, settings, backend):
    edge = run_edge(settings(backend, drain={"grace": "0", "deadline": "30s"}))
    kept = [http1(edge) for _ in range(5)] + [http2(edge) for _ in range(5)]
    begun = time.monotonic()
    edge.signal(signal.SIGINT)
    edge.process.wait(20)
    assert time.monotonic() - begun < 10  # and not at its deadline
    del kept


def test_requests_at_the_moment_of_the_drain_are_answered(run_edge, settings, backend):
    """Clients that send again and again and obey `Connection: close` see no error up to the refusal."""
    edge = run_edge(settings(backend, drain={"grace": "500ms", "deadline": "10s"}))
    failures, refused = [], threading.Event()

    def load():
        while not refused.is_set():
            try:
                client = http1(edge)
            except OSError:
                refused.set()
                return
            try:
                while True:
                    status, headers, _, _ = client.get("/echo")
                    if status != 200:
                        failures.append(status)
                    if headers.get("connection") == ["close"]:
                        break
            except (OSError, EOFError) as error:
                failures.append(repr(error))
            client.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    edge.signal(signal.SIGTERM)
    for thread in threads:
        thread.join(20)
    assert edge.process.wait(20) == 0
    assert not failures, failures[:5]
