"""Figures of /metrics whose values a test can know: handshakes, bytes, endpoints, ejections, connections to backends."""

import socket

import pytest

from support.authority import Authority
from support.client import http1, http2, plain_http1, s_client
from support.edge import eventually, running
from tls_test import sessions_reused

HOST = "Host: www.example.com\r\n"
FAILURES = "sekisho_handshake_failures_total"


# ---- handshakes

def handshakes(edge):
    return {(labels["version"], labels["resumed"]): value for labels, value in edge.metrics()["sekisho_handshakes_total"]}


@pytest.mark.parametrize("option,version", [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_handshakes_are_counted_by_version_and_resumption(run_edge, settings, backend, tmp_path, option, version):
    edge = run_edge(settings(backend))
    assert sessions_reused(edge, tmp_path, option, count=2)[1] == 2
    expected = dict.fromkeys(handshakes(edge), 0) | {(version, "false"): 1, (version, "true"): 2}
    assert len(expected) == 4 and handshakes(edge) == expected
    assert edge.metric("sekisho_handshake_duration_seconds_count") == edge.metric("sekisho_tls_connections_total") == 3
    assert edge.metric(FAILURES) == 0


@pytest.fixture(scope="module")
def picky(settings, backend, ca, tmp_path_factory):
    values = settings(backend, timeouts={"handshake": "2s"}, tls={
        "unknown_name": "reject",
        "hosts": [{"hosts": ["other.example.com"], "client_certificates": {"mode": "required", "ca_certificates": str(ca)}}]})
    with running(tmp_path_factory.mktemp("picky"), values) as edge:
        yield edge


def connect(edge):
    return socket.create_connection(("127.0.0.1", edge.port), timeout=10)


def send_plain_http(edge):
    with connect(edge) as sock:
        sock.sendall(f"GET / HTTP/1.1\r\n{HOST}\r\n".encode())
        sock.recv(100)


def say_nothing(edge):
    with connect(edge) as sock:
        assert sock.recv(1) == b"", "it is closed after the handshake time"


def show_no_certificate(edge):
    s_client(edge, "-tls1_2", server_name="other.example.com")


def show_a_strangers_certificate(edge, folder):
    pair = Authority("another CA").issue("visitor", client=True).write(folder)
    s_client(edge, "-tls1_2", "-cert", str(pair[0]), "-key", str(pair[1]), server_name="other.example.com")


def distrust_the_server(edge, folder):
    ca = Authority("not this one").write(folder)
    s_client(edge, "-CAfile", str(ca), "-verify_return_error")


@pytest.mark.parametrize("attempt,reason", [
    (lambda edge, _: s_client(edge, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "unsupported_version"),
    (lambda edge, _: s_client(edge, "-tls1_2", "-cipher", "AES128-SHA"), "no_shared_cipher"),
    (lambda edge, _: s_client(edge, server_name="unknown.test"), "unknown_name"),
    (lambda edge, _: connect(edge).close(), "closed"),
    (lambda edge, _: send_plain_http(edge), "not_tls"),
    (lambda edge, _: s_client(edge, "-alpn", "spdy/3"), "no_shared_protocol"),
    (lambda edge, _: say_nothing(edge), "timeout"),
    (lambda edge, _: show_no_certificate(edge), "client_certificate"),
    (show_a_strangers_certificate, "client_certificate"),
    (distrust_the_server, "client_alert"),
], ids=["version", "cipher", "name", "closed", "plain", "protocol", "silent", "no certificate", "stranger's certificate", "distrust"])
def test_handshakes_that_fail_are_counted_by_reason(picky, tmp_path, attempt, reason):
    def counts():
        return {labels["reason"]: value for labels, value in picky.metrics()[FAILURES]}
    before, done = counts(), handshakes(picky)
    attempt(picky, tmp_path)
    after = eventually(lambda: (now := counts()) != before and now, what="one more failure")
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {reason: 1}
    assert handshakes(picky) == done, "none of them is a handshake that was completed"


# ---- bytes

def test_bytes_of_bodies_are_counted_by_route_without_their_framing(run_edge, settings, backend):
    edge = run_edge(settings(backend, routes=[{"name": "all", "backend": "app"}]))
    one, two = http1(edge), http2(edge)
    one.send(f"POST /upload HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3e8\r\n{'a' * 1000}\r\n0\r\n\r\n")
    assert one.response()[2] == b"1000"
    assert two.response(two.request("POST", "/upload", body=b"a" * 500))[2] == b"500"
    assert len(one.get("/download?size=70000")[2]) == len(two.get("/download?size=70000")[2]) == 70000
    eventually(lambda: edge.metric("sekisho_requests_open") == 0)
    assert edge.metric("sekisho_request_body_bytes_total", route="all") == 1500
    assert edge.metric("sekisho_response_body_bytes_total", route="all") == len("1000") + len("500") + 2 * 70000


def test_bytes_on_client_sockets_are_counted_with_their_framing(run_edge, settings, backend):
    edge = run_edge(settings(backend))
    client = plain_http1(edge.plain_port)
    request = f"GET /status/200 HTTP/1.1\r\n{HOST}\r\n".encode()
    client.send(request)
    client.line()
    head_and_body = len("HTTP/1.1 200 OK\r\n") + len(client.buffer) + len(client.sock.recv(1) if not client.buffer else b"")
    assert edge.metric("sekisho_bytes_received_total") == len(request)
    # The client has its bytes a moment before the worker has counted them.
    eventually(lambda: edge.metric("sekisho_bytes_sent_total") == head_and_body)


# ---- backends

def of_endpoint(edge, server, name):
    return edge.metric(f"sekisho_endpoint_{name}", backend="app", endpoint=server.address)


def test_requests_failures_and_ejections_are_counted_by_endpoint(run_edge, settings, make_backend):
    bad, good = make_backend("bad"), make_backend("good")
    bad.do_echo = bad.do_close
    edge = run_edge(settings(None, workers=1, routes=[{"backend": "app"}], backends={"app": {
        "endpoints": [bad.address, good.address], "retries": {"attempts": 1, "budget_percent": 100},
        "ejection": {"consecutive_failures": 3, "duration": "1h"}}}))
    client = plain_http1(edge.plain_port)
    assert [client.get("/echo")[0] for _ in range(20)] == [200] * 20
    assert len(bad.requests) == 3 and len(good.requests) == 20
    for name, values in {"requests_total": (3, 20), "failures_total": (3, 0), "ejections_total": (1, 0)}.items():
        assert (of_endpoint(edge, bad, name), of_endpoint(edge, good, name)) == values, name
    assert edge.metric("sekisho_upstream_retries_total") == 3
    assert edge.metric("sekisho_upstream_failures_total", reason="closed") == edge.metric("sekisho_upstream_failures_total") == 3


def test_the_health_of_an_endpoint_is_a_gauge(run_edge, settings, make_backend):
    a, b = make_backend("a"), make_backend("b")
    edge = run_edge(settings(None, routes=[{"backend": "app"}], backends={"app": {
        "endpoints": [a.address, b.address],
        "health_check": {"path": "/health", "interval": "100ms", "healthy_after": 1, "unhealthy_after": 1}}}))

    def health():
        return of_endpoint(edge, a, "healthy"), of_endpoint(edge, b, "healthy")
    eventually(lambda: health() == (1, 1))
    a.healthy = False
    eventually(lambda: health() == (0, 1))
    b.close()
    eventually(lambda: health() == (0, 0))
    a.healthy = True
    b.reopen()
    eventually(lambda: health() == (1, 1))


def test_connections_to_backends_are_counted_opened_reused_and_open(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(settings(server, workers=1))
    client, busy = plain_http1(edge.plain_port), plain_http1(edge.plain_port)
    assert [client.get("/echo")[0] for _ in range(5)] == [200] * 5
    busy.send(f"GET /gate HTTP/1.1\r\n{HOST}\r\n")
    eventually(lambda: ("GET", "/gate") in server.requests)
    assert [client.get("/echo")[0] for _ in range(2)] == [200] * 2
    assert server.connections == edge.metric("sekisho_upstream_connections_opened_total") == 2
    assert edge.metric("sekisho_upstream_connections_reused_total") == 6
    assert of_endpoint(edge, server, "connections") == 2
    # The client has its response a moment before the worker is done with the request.
    eventually(lambda: of_endpoint(edge, server, "requests_in_flight") == edge.metric("sekisho_requests_open") == 1)
    server.gate.set()
    assert busy.response()[0] == 200
    eventually(lambda: of_endpoint(edge, server, "requests_in_flight") == 0)
    assert of_endpoint(edge, server, "requests_total") == 8
