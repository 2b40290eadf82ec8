"""HTTP/1.1 from clients: framing, order, upgrades, and what must not get through."""

import json
import socket

import pytest

from support.client import WebSocket, curl, curl_json, curl_status, echo_headers, http1, http2, plain_http1
from support.edge import eventually

HOST = "Host: www.example.com\r\n"


def test_requests_in_a_pipeline_are_answered_in_order(edge):
    client = http1(edge)
    paths = [f"/{'wait' if i == 0 else 'echo'}?number={i}" for i in range(8)]
    client.send("".join(f"GET {path} HTTP/1.1\r\n{HOST}\r\n" for path in paths))
    assert [json.loads(client.response()[2])["target"] for _ in paths] == paths


def test_a_pipeline_with_bodies_keeps_their_bounds(edge):
    client = http1(edge)
    client.send(f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nfirst"
                f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nsec\r\n3\r\nond\r\n0\r\n\r\n"
                f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nthird")
    assert [json.loads(client.response()[2])["body"] for _ in range(3)] == ["first", "second", "third"]


def test_a_connection_is_kept_and_closed_as_asked(edge):
    client = http1(edge)
    for _ in range(3):
        assert client.get("/echo")[0] == 200
    status, headers, _, _ = client.get("/echo", headers="Connection: close\r\n")
    assert status == 200 and headers["connection"] == ["close"] and client.closed()


def test_http_1_0_is_answered_and_closed(edge):
    client = http1(edge)
    client.send(f"GET /echo HTTP/1.0\r\n{HOST}\r\n")
    status, headers, body, _ = client.response()
    assert status == 200 and "transfer-encoding" not in headers and json.loads(body)["target"] == "/echo"
    assert client.closed()


def test_chunked_responses_and_their_trailers_come_through(edge):
    client = http1(edge)
    status, headers, body, trailers = client.get("/chunked?n=3", headers="TE: trailers\r\n")
    assert (status, body) == (200, b"piece 0\npiece 1\npiece 2\n")
    assert trailers.get("x-sum") == "42"
    assert client.get("/echo")[0] == 200


def test_chunked_requests_and_their_trailers_come_through(edge):
    client = http1(edge)
    client.send(f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"
                "5;ext=1\r\nhello\r\n0\r\nX-End: yes\r\n\r\n")
    answer = json.loads(client.response()[2])
    assert answer["body"] == "hello"
    assert ["x-end", "yes"] in [[k.lower(), v] for k, v in answer["trailers"]]


def test_chunks_arrive_when_they_are_sent(edge):
    """No piece waits for the next one."""
    client = http1(edge)
    client.send(f"GET /chunked?n=2&ms=15000 HTTP/1.1\r\n{HOST}\r\n")
    client.head()
    client.sock.settimeout(10)
    client.line()
    assert client.line().startswith(b"piece 0")


def test_expect_100_continue_is_answered_before_the_body(edge):
    client = http1(edge)
    client.send(f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert client.head()[0] == 100
    client.send("hello")
    status, _, body, _ = client.response()
    assert status == 200 and json.loads(body)["body"] == "hello"


def test_expect_100_continue_for_what_is_refused_saves_the_body(run_edge, settings, backend):
    edge = run_edge(settings(backend, limits={"body_size": "1KiB"}))
    client = http1(edge)
    client.send(f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n")
    assert client.head()[0] == 413


def test_head_has_no_body_and_keeps_the_length(edge):
    client = http1(edge)
    client.send(f"HEAD /download?size=12345 HTTP/1.1\r\n{HOST}\r\n")
    status, headers, _, _ = client.response("HEAD")
    assert (status, headers["content-length"]) == (200, ["12345"])
    assert client.get("/echo")[0] == 200


@pytest.mark.parametrize("status", [204, 304, 404, 500])
def test_statuses_come_through_and_the_connection_lives(edge, status):
    client = http1(edge)
    assert client.get(f"/status/{status}")[0] == status
    assert client.get("/echo")[0] == 200


def test_early_hints_are_passed_on(edge):
    client = http1(edge)
    client.send(f"GET /hints HTTP/1.1\r\n{HOST}\r\n")
    assert client.head()[0] == 103
    status, _, body, _ = client.response()
    assert (status, body) == (200, b"after hints")


def test_a_body_that_ends_with_the_connection_comes_whole(edge):
    client = http1(edge)
    assert client.get("/until-close")[2] == b"until close"


def test_an_early_answer_reaches_a_client_that_is_still_sending(edge):
    client = http1(edge)
    client.send(f"POST /early HTTP/1.1\r\n{HOST}Content-Length: 1000000\r\n\r\n" + "x" * 10000)
    assert client.head()[0] == 403


def test_websocket_over_http1(edge):
    socket_ = WebSocket(http1(edge))
    for size in (0, 1, 125, 126, 70000, 1 << 20):
        socket_.echo(b"x" * size)
    socket_.close()


def test_websocket_data_sent_with_the_upgrade_is_not_lost(edge):
    from support import websocket
    client = http1(edge)
    client.send(f"GET /ws HTTP/1.1\r\n{HOST}Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {websocket.new_key()}\r\n\r\n".encode()
                + websocket.encode(websocket.TEXT, b"early"))
    assert client.head()[0] == 101
    assert websocket.decode(client.exactly) == (websocket.TEXT, b"early")


def test_an_upgrade_that_the_backend_refuses_is_a_plain_answer(edge):
    client = http1(edge)
    client.send(f"GET /status/403 HTTP/1.1\r\n{HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    assert client.response()[0] == 403
    assert client.get("/echo")[0] == 200


def test_an_end_of_the_backend_ends_the_websocket(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(settings(server))
    socket_ = WebSocket(http1(edge))
    socket_.echo(b"x")
    server.close()
    assert socket_.http.closed()


# ---- what must not get through

SMUGGLING = {
    "two lengths": "POST /echo HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length list": "POST /echo HTTP/1.1\r\n{host}Content-Length: 5, 6\r\n\r\nhello",
    "negative length": "POST /echo HTTP/1.1\r\n{host}Content-Length: -5\r\n\r\nhello",
    "plus length": "POST /echo HTTP/1.1\r\n{host}Content-Length: +5\r\n\r\nhello",
    "length and chunked": "POST /echo HTTP/1.1\r\n{host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": "POST /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": "POST /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "unknown coding": "POST /echo HTTP/1.1\r\n{host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "blank before colon": "GET /echo HTTP/1.1\r\n{host}X-A : b\r\n\r\n",
    "no host": "GET /echo HTTP/1.1\r\n\r\n",
    "two hosts": "GET /echo HTTP/1.1\r\n{host}Host: other.example.com\r\n\r\n",
    "bad host": "GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n",
    "nul in a value": "GET /echo HTTP/1.1\r\n{host}X-A: a\0b\r\n\r\n",
    "bad chunk size": "POST /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "huge chunk size": "POST /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello",
    "no version": "GET /echo\r\n\r\n",
    "wrong version": "GET /echo HTTP/9.9\r\n{host}\r\n",
    "bad method": "G@T /echo HTTP/1.1\r\n{host}\r\n",
    "blank in target": "GET /ec ho HTTP/1.1\r\n{host}\r\n",
}


@pytest.mark.parametrize("what", SMUGGLING)
def test_ambiguous_requests_are_refused(edge, what):
    client = http1(edge)
    client.sock.settimeout(20)
    client.send(SMUGGLING[what].format(host=HOST) + f"GET /echo?smuggled=1 HTTP/1.1\r\n{HOST}\r\n")
    try:
        status, headers, _, _ = client.response()
    except EOFError:
        return
    assert status in (400, 501, 505), status
    assert headers.get("connection") == ["close"]
    assert client.rest() == b"", "something was answered after the refusal"


def test_a_folded_field_reaches_the_backend_on_one_line(edge):
    """RFC 9112 section 5.2: refused, or each fold replaced by blanks before it is forwarded."""
    client = http1(edge)
    client.send(f"GET /echo HTTP/1.1\r\n{HOST}X-A: b\r\n c\r\n\r\n")
    status, _, body, _ = client.response()
    assert status == 200 and echo_headers(json.loads(body))["x-a"] == ["b c"]


def test_a_response_with_two_lengths_is_a_bad_gateway(edge):
    assert http1(edge).get("/smuggle")[0] == 502


@pytest.mark.parametrize("target", ["/a/../echo", "/a/%2e%2e/echo", "/./echo", "/a/b/%2E%2e/../echo"])
def test_dot_segments_are_resolved_before_the_backend_sees_them(edge, target):
    client = http1(edge)
    client.send(f"GET {target} HTTP/1.1\r\n{HOST}\r\n")
    assert json.loads(client.response()[2])["target"] == "/echo"


def test_http_1_0_without_host_gets_the_name_of_the_handshake_or_the_address(edge):
    client = http1(edge)
    client.send("GET /echo HTTP/1.0\r\n\r\n")
    assert echo_headers(json.loads(client.response()[2]))["host"] == ["www.example.com"]
    client = plain_http1(edge.plain_port)
    client.send("GET /echo HTTP/1.0\r\n\r\n")
    assert echo_headers(json.loads(client.response()[2]))["host"] == ["127.0.0.1"]


def test_a_path_with_double_slashes_reaches_the_backend_as_it_was_sent(edge):
    client = http1(edge)
    client.send(f"GET //echo/a//b;c%2fd HTTP/1.1\r\n{HOST}\r\n")
    assert client.head()[0] in (200, 404)


def test_absolute_form_and_its_host_win(edge):
    client = http1(edge)
    client.send("GET https://www.example.com/echo?a HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n")
    answer = json.loads(client.response()[2])
    assert answer["target"] == "/echo?a" and echo_headers(answer)["host"] == ["www.example.com"]


def test_options_star_and_connect_do_not_harm(edge):
    for line in ("OPTIONS * HTTP/1.1", "CONNECT www.example.com:443 HTTP/1.1", "TRACE /echo HTTP/1.1"):
        client = http1(edge)
        client.send(f"{line}\r\n{HOST}\r\n")
        assert client.head()[0] < 600
    assert curl_status(edge, "/echo") == 200


def test_hop_by_hop_headers_stay_on_their_hop(edge):
    client = http1(edge)
    answer = json.loads(client.get("/echo", headers="Connection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\n"
                                   "Proxy-Connection: x\r\nX-Other: 1\r\n")[2])
    have = echo_headers(answer)
    assert "x-mine" not in have and "keep-alive" not in have and "proxy-connection" not in have
    assert have["x-other"] == ["1"]
    headers = client.get("/hop")[1]
    assert "x-gone" not in headers and headers["x-stays"] == ["1"]


def test_host_cannot_be_removed_by_the_connection_header(edge):
    answer = json.loads(http1(edge).get("/echo", headers="Connection: Host, X-Request-Id, close\r\n")[2])
    assert echo_headers(answer)["host"] == ["www.example.com"]


def test_a_plain_listener_serves_http1_and_prior_knowledge_http2(edge):
    assert plain_http1(edge.plain_port).get("/echo")[0] == 200
    text = curl(edge, "/echo", "--http2-prior-knowledge", "-w", "%{http_version}", scheme="http")
    assert text.endswith("2")


def test_upstream_connections_are_kept(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(settings(server, workers=1))
    client = http1(edge)
    for _ in range(20):
        client.get("/echo")
    assert server.connections == 1


def test_a_kept_connection_that_the_backend_closed_is_no_failure(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(settings(server, workers=1))
    client = http1(edge)
    assert client.get("/echo")[0] == 200
    for sock in list(server._open):
        sock.shutdown(socket.SHUT_RDWR)
    assert client.get("/echo")[0] == 200


def test_a_client_that_goes_away_frees_the_backend(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(settings(server))
    client = http1(edge)
    client.send(f"GET /stall HTTP/1.1\r\n{HOST}\r\n")
    client.head()
    assert len(server._open) == 1
    client.close()
    eventually(lambda: edge.admin("/readyz")[0] == 200)
    server.gate.set()
    eventually(lambda: not server._open, what="the upstream connection ends")


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_trailers_cannot_say_who_the_client_is(edge, version):
    forged = [("x-client-verify", "SUCCESS"), ("x_client_verify", "SUCCESS"), ("x-forwarded-for", "6.6.6.6"), ("x-sum", "42")]
    if version == "2":
        client = http2(edge)
        stream = client.request("POST", "/echo", end=False)
        client.send_data(stream, b"hello")
        client.h2.send_headers(stream, forged, end_stream=True)
        client.flush()
        answer = json.loads(client.response(stream)[2])
    else:
        client = http1(edge)
        client.send(f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
                    + "".join(f"{name}: {value}\r\n" for name, value in forged) + "\r\n")
        answer = json.loads(client.response()[2])
    assert answer["trailers"] == [["x-sum", "42"]]


def test_an_encoded_letter_does_not_get_around_a_route(run_edge, settings, backend):
    routes = [{"backend": "app"}, {"path": {"prefix": "/admin"}, "respond": {"status": 403, "body": "no"}}]
    edge = run_edge(settings(backend, routes=routes))
    for path in ("/admin", "/%61dmin", "/x/..%2Fadmin", "/x/%2e%2e/%61%64min/y"):
        status = http1(edge).get(path)[0]
        assert status in (400, 403), (path, status)
