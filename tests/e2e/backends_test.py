"""Backends that are slow, broken, full or gone."""

import concurrent.futures
import json
import time

import pytest

from support.client import curl_json, curl_status, http1
from support.edge import eventually, free_port


def one_of(edge, count=20, path="/echo"):
    client = http1(edge)
    return [json.loads(client.get(path)[2])["backend"] for _ in range(count)]


def status_and_retry_after(edge, path):
    status, headers, _, _ = http1(edge).get(path)
    return status, *headers.get("retry-after", [None])


def with_endpoints(settings, *endpoints, **more):
    return settings(None, workers=1, routes=[{"backend": "app"}], backends={"app": {"endpoints": list(endpoints), **more}})


def test_round_robin_takes_turns_and_heeds_weights(run_edge, settings, make_backend):
    a, b = make_backend("a"), make_backend("b")
    edge = run_edge(with_endpoints(settings, a.address, b.address))
    names = one_of(edge, 20)
    assert names.count("a") == names.count("b") == 10
    edge.reload(backends={"app": {"endpoints": [{"address": a.address, "weight": 3}, {"address": b.address, "weight": 1}]}})
    names = one_of(edge, 40)
    assert 28 <= names.count("a") <= 32
    edge.reload(backends={"app": {"endpoints": [{"address": a.address, "weight": 0}, {"address": b.address}]}})
    assert set(one_of(edge, 10)) == {"b"}


def test_least_requests_avoids_the_busy_one(run_edge, settings, make_backend):
    a, b = make_backend("a"), make_backend("b")
    edge = run_edge(with_endpoints(settings, a.address, b.address, balance="least_requests"))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(one_of, edge, 1, "/gate")
        eventually(lambda: any(s.requests for s in (a, b)))
        busy = "a" if a.requests else "b"
        assert busy not in one_of(edge, 10)
        a.gate.set()
        b.gate.set()
        waiting.result(20)


@pytest.mark.parametrize("path,status", [("/close", 502), ("/garbage", 502), ("/big-head", 502)])
def test_a_backend_that_answers_badly_is_502(run_edge, settings, make_backend, path, status):
    edge = run_edge(settings(make_backend()))
    assert curl_status(edge, path, "-X", "POST", "-d", "x") == status


def test_nobody_there_is_502_and_a_silent_one_504(run_edge, settings, make_backend):
    server = make_backend()
    values = settings(None, routes=[{"path": {"prefix": "/gate"}, "backend": "slow"}, {"backend": "gone"}], backends={
        "gone": {"endpoints": [f"127.0.0.1:{free_port()}"]},
        "slow": {"endpoints": [server.address], "timeouts": {"first_byte": "300ms"}}})
    edge = run_edge(values)
    assert curl_status(edge, "/") == 502
    begun = time.monotonic()
    assert curl_status(edge, "/gate", "-X", "POST", "-d", "x") == 504
    assert time.monotonic() - begun < 10  # the backend would answer after 30 s


def test_a_connect_that_hangs_is_504(run_edge, settings):
    """A listen queue that is full does not answer SYNs."""
    import socket
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        taken = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
            taken.append(sock)
        edge = run_edge(settings(None, routes=[{"backend": "app"}], backends={
            "app": {"endpoints": [f"127.0.0.1:{full.getsockname()[1]}"], "timeouts": {"connect": "400ms"}}}))
        assert curl_status(edge, "/", "-m", "10") == 504
        for sock in taken:
            sock.close()


def test_a_body_that_stops_ends_the_response_unfinished(run_edge, settings, make_backend):
    server = make_backend()
    values = settings(server)
    values["backends"]["app"]["timeouts"] = {"idle": "400ms"}
    edge = run_edge(values)
    client = http1(edge)
    client.send("GET /stall HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
    assert client.head()[0] == 200
    assert client.rest() == b"half"


def test_the_whole_request_has_its_time(run_edge, settings, make_backend):
    server = make_backend()
    values = settings(server)
    values["routes"] = [{"backend": "app", "request_timeout": "400ms"}]
    edge = run_edge(values)
    assert curl_status(edge, "/wait?ms=3000") == 504


def test_a_cut_body_does_not_look_complete(run_edge, settings, make_backend):
    edge = run_edge(settings(make_backend()))
    client = http1(edge)
    client.send("GET /cut-chunked HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
    client.head()
    assert not client.rest().endswith(b"0\r\n\r\n")


def test_an_idempotent_request_is_tried_elsewhere(run_edge, settings, make_backend):
    good = make_backend("good")
    edge = run_edge(with_endpoints(settings, f"127.0.0.1:{free_port()}", good.address, retries={"attempts": 1, "budget_percent": 100},
                                   ejection={"consecutive_failures": 0}))
    assert set(one_of(edge, 20)) == {"good"}


def test_a_request_that_may_have_been_taken_is_not_sent_twice(run_edge, settings, make_backend):
    a, b = make_backend("a"), make_backend("b")
    edge = run_edge(with_endpoints(settings, a.address, b.address, ejection={"consecutive_failures": 0}))
    assert curl_status(edge, "/close", "-X", "POST", "-d", "order") == 502
    assert len(a.requests) + len(b.requests) == 1


def attempts_of(edge, count):
    eventually(lambda: len(edge.stdout.splitlines()) == count, what=f"{count} lines")
    return [json.loads(line)["attempts"] for line in edge.stdout.splitlines()]


def test_a_single_endpoint_that_is_dead_is_asked_once(run_edge, settings):
    values = with_endpoints(settings, f"127.0.0.1:{free_port()}", retries={"attempts": 3, "budget_percent": 100})
    edge = run_edge({**values, "access_log": "json"})
    assert http1(edge).get("/echo")[0] == 502
    assert attempts_of(edge, 1) == [1]
    assert edge.metric("sekisho_upstream_retries_total") == 0


def test_a_single_endpoint_is_asked_again_only_where_a_kept_connection_was_closed(run_edge, settings, make_backend):
    server = make_backend()
    values = with_endpoints(settings, server.address, retries={"attempts": 3, "budget_percent": 100})
    edge = run_edge({**values, "access_log": "json"})
    client = http1(edge)
    assert client.get("/close")[0] == 502
    assert server.seen(("GET", "/close")) == 1, "the connection was new"
    assert client.get("/echo")[0] == 200
    assert client.get("/close")[0] == 502
    assert server.seen(("GET", "/close")) == 3, "once on the connection that was kept, once on a fresh one"
    assert client.get("/echo")[0] == 200
    client.send("POST /close HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 1\r\n\r\nx")
    assert client.response()[0] == 502
    assert server.seen(("POST", "/close")) == 1
    assert attempts_of(edge, 5) == [1, 1, 2, 1, 1]


def test_no_endpoint_is_asked_twice_where_there_are_others(run_edge, settings, make_backend):
    servers = [make_backend() for _ in range(3)]
    edge = run_edge(with_endpoints(settings, *(server.address for server in servers), ejection={"consecutive_failures": 0},
                                   retries={"attempts": 9, "budget_percent": 100}))
    assert http1(edge).get("/close")[0] == 502
    assert [server.seen(("GET", "/close")) for server in servers] == [1, 1, 1]


def test_retries_stay_within_their_budget(run_edge, settings, make_backend):
    a, b = make_backend("a"), make_backend("b")
    edge = run_edge(with_endpoints(settings, a.address, b.address, ejection={"consecutive_failures": 0},
                                   retries={"attempts": 1, "budget_percent": 10}))
    client = http1(edge)
    for _ in range(100):
        assert client.get("/close")[0] == 502
    assert 100 <= len(a.requests) + len(b.requests) <= 120


def test_an_endpoint_that_fails_is_left_out_for_a_while(run_edge, settings, make_backend):
    a, b = make_backend("a"), make_backend("b")
    edge = run_edge(with_endpoints(settings, a.address, b.address, ejection={"consecutive_failures": 2, "duration": "1s"},
                                   retries={"attempts": 1, "budget_percent": 100}))
    one_of(edge, 4)
    a.close()
    one_of(edge, 10)
    assert set(one_of(edge, 10)) == {"b"}
    a.reopen()
    eventually(lambda: "a" in one_of(edge, 4), what="a is back")


def test_health_checks_take_an_endpoint_out_and_in_again(run_edge, settings, make_backend):
    a, b = make_backend("a"), make_backend("b")
    edge = run_edge(with_endpoints(settings, a.address, b.address, health_check={
        "path": "/health", "interval": "100ms", "timeout": "1s", "healthy_after": 1, "unhealthy_after": 1}))
    eventually(lambda: set(one_of(edge, 6)) == {"a", "b"})
    a.healthy = False
    eventually(lambda: set(one_of(edge, 6)) == {"b"}, what="a is left out")
    assert "unhealthy" in edge.command("backends", check=0).stdout.lower() or "down" in edge.command("backends").stdout.lower()
    a.healthy = True
    eventually(lambda: set(one_of(edge, 6)) == {"a", "b"}, what="a is back")


def test_all_unhealthy_is_503(run_edge, settings, make_backend):
    a = make_backend("a")
    a.healthy = False
    edge = run_edge(with_endpoints(settings, a.address, health_check={
        "path": "/health", "interval": "100ms", "unhealthy_after": 1, "healthy_after": 1}))
    eventually(lambda: status_and_retry_after(edge, "/echo") == (503, "1"))


def test_the_queue_is_bounded_and_says_when_to_come_back(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(with_endpoints(settings, server.address, limits={"connections": 1, "queue": 2, "queue_timeout": "20s"}))
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        busy = pool.submit(curl_json, edge, "/gate")
        eventually(lambda: server.requests)
        rest = [pool.submit(status_and_retry_after, edge, "/echo") for _ in range(10)]
        eventually(lambda: sum(f.done() for f in rest) >= 8, what="the surplus is refused at once")
        assert {f.result() for f in rest if f.done()} == {(503, "1")}
        server.gate.set()
        assert busy.result(20)["backend"]
        assert sorted(f.result(20) for f in rest) == [(200, None)] * 2 + [(503, "1")] * 8


def test_the_time_in_the_queue_is_in_the_access_log_and_not_in_that_of_connecting(run_edge, settings, make_backend):
    server = make_backend()
    values = with_endpoints(settings, server.address, limits={"connections": 1, "queue": 10, "queue_timeout": "300ms"})
    edge = run_edge({**values, "access_log": "json"})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        busy = pool.submit(curl_json, edge, "/gate")
        eventually(lambda: server.requests)
        assert curl_status(edge, "/echo") == 503
        server.gate.set()
        busy.result(20)
    eventually(lambda: len(edge.stdout.splitlines()) == 2)
    by_path = {line["path"]: line for line in map(json.loads, edge.stdout.splitlines())}
    waited, served = by_path["/echo"], by_path["/gate"]
    assert 250 <= waited["queue_ms"] <= waited["total_ms"] and waited["connect_ms"] < waited["queue_ms"]
    assert served["queue_ms"] == 0 and served["connect_ms"] > 0
    assert 0 < served["handshake_ms"] < 20_000


def test_waiting_in_the_queue_ends(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(with_endpoints(settings, server.address, limits={"connections": 1, "queue": 10, "queue_timeout": "300ms"}))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        busy = pool.submit(curl_json, edge, "/gate")
        eventually(lambda: server.requests)
        assert curl_status(edge, "/echo", "-m", "10") == 503
        server.gate.set()
        busy.result(20)


def test_names_are_resolved(run_edge, settings, make_backend):
    server = make_backend("named")
    edge = run_edge(settings(None, routes=[{"backend": "app"}], backends={"app": {"endpoints": [f"localhost:{server.port}"]}}))
    eventually(lambda: curl_status(edge, "/echo") == 200)
    assert curl_json(edge, "/echo")["backend"] == "named"


def test_a_name_that_does_not_resolve_is_503_and_not_a_refused_start(run_edge, settings):
    edge = run_edge(settings(None, routes=[{"backend": "app"}], backends={"app": {"endpoints": ["no-such-name.invalid:80"]}}))
    assert status_and_retry_after(edge, "/") == (503, "1")


def test_retry_after_of_the_backend_comes_through(run_edge, settings, make_backend):
    edge = run_edge(settings(make_backend()))
    status, headers, _, _ = http1(edge).get("/status/503?retry=7")
    assert status == 503 and headers["retry-after"] == ["7"]
