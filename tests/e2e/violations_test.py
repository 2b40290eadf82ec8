"""Every violation by a client is answered as it should be, counted once under its own reason, and hurts nobody else."""

import pytest

import h2.errors

from support.client import curl_status, http1, http2, plain_http1
from support.edge import eventually, running

HOST = "Host: www.example.com\r\n"
NAME = "sekisho_client_violations_total"


def violations(edge):
    return {labels["reason"]: value for labels, value in edge.metrics()[NAME]}


def new_since(edge, before):
    return {reason: value - before[reason] for reason, value in violations(edge).items() if value != before[reason]}


@pytest.fixture(scope="module")
def strict(settings, backend, ca, tmp_path_factory):
    values = settings(backend, limits={"header_count": 20, "header_size": "4KiB", "uri_length": "1KiB", "body_size": "10KiB"},
                      timeouts={"header": "1s", "body": "1s", "write": "2s"},
                      tls={"hosts": [{"hosts": ["other.example.com"],
                                      "client_certificates": {"mode": "required", "ca_certificates": str(ca)}}]})
    with running(tmp_path_factory.mktemp("strict"), values) as edge:
        yield edge


def many_fields(count):
    return [(f"x-{number}", "1") for number in range(count)]


@pytest.mark.parametrize("content,status,reason", [
    (f"GET /{'a' * 2000} HTTP/1.1\r\n{HOST}\r\n", 414, "uri_length"),
    (f"GET /echo HTTP/1.1\r\n{HOST}X-Big: {'a' * 5000}\r\n\r\n", 431, "header_size"),
    (f"GET /echo HTTP/1.1\r\n{HOST}" + "X-More: 2\r\n" * 30 + "\r\n", 431, "header_count"),
    (f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 20000\r\n\r\n", 413, "body_size"),
    (f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n4e20\r\n{'a' * 20000}\r\n0\r\n\r\n", 413, "body_size"),
    (f"GET /echo HTTP/1.1\r\n{HOST}X-Slow: ", 408, "header_timeout"),
    (f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 100\r\n\r\nhalf", 408, "body_timeout"),
    (f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", 408, "body_timeout"),
    ("GET /echo HTTP/1.1\r\n\r\n", 400, "bad_request"),
    (f"GET /echo HTTP/1.1\r\n{HOST}{HOST}\r\n", 400, "bad_request"),
    (f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, "bad_request"),
    (f"GET /echo HTTP/1.1\r\n{HOST}Bad Name: x\r\n\r\n", 400, "bad_request"),
    ("GET /echo HTTP/1.1\r\nHost: other.example.com\r\n\r\n", 421, "misdirected"),
], ids=lambda value: value if isinstance(value, str) and value.islower() else "")
def test_http1_violations_are_counted(strict, content, status, reason):
    before = violations(strict)
    client = http1(strict)
    client.sock.settimeout(20)
    client.send(content)
    assert client.response()[0] == status
    assert new_since(strict, before) == {reason: 1}
    assert curl_status(strict, "/echo") == 200


@pytest.mark.parametrize("path,options,status,reason", [
    ("/" + "a" * 2000, {}, 414, "uri_length"),
    ("/echo", {"headers": [("x-big", "a" * 5000)]}, 431, "header_size"),
    ("/echo", {"headers": many_fields(30)}, 431, "header_count"),
    ("/echo", {"method": "POST", "headers": [("content-length", "20000")], "end": False}, 413, "body_size"),
    ("/echo", {"method": "POST", "body": b"a" * 16000, "end": False}, 413, "body_size"),
    ("/echo", {"method": "POST", "body": b"half", "end": False}, 408, "body_timeout"),
    ("/echo", {"host": "www.example.com:port"}, 400, "bad_request"),
    ("/echo", {"host": "other.example.com"}, 421, "misdirected"),
], ids=lambda value: value if isinstance(value, str) and value.islower() and "/" not in value else "")
def test_http2_violations_are_counted_and_leave_the_connection_to_others(strict, path, options, status, reason):
    before = violations(strict)
    client = http2(strict, patience=20)
    stream = client.request(path=path, **options)
    client.until(lambda: stream in client.headers)
    assert client.headers[stream][":status"] == str(status)
    assert new_since(strict, before) == {reason: 1}
    assert client.get("/echo")[0] == 200, "the other streams of the connection are served"


@pytest.mark.parametrize("path,headers", [("no-slash", []), ("/echo", [("connection", "close")]), ("/echo", [("Upper", "case")])])
def test_malformed_http2_requests_are_reset_and_counted(strict, path, headers):
    before = violations(strict)
    client = http2(strict, patience=20)
    client.h2.config.validate_outbound_headers = client.h2.config.normalize_outbound_headers = False
    stream = client.request(path=path, headers=headers)
    client.until(lambda: stream in client.ended)
    assert client.resets == {stream: h2.errors.ErrorCodes.PROTOCOL_ERROR}
    assert new_since(strict, before) == {"protocol_h2": 1}
    assert client.get("/echo")[0] == 200, "the other streams of the connection are served"


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


@pytest.mark.parametrize("content,code,reason", [
    (frame(0, 0, 0, b"data"), h2.errors.ErrorCodes.PROTOCOL_ERROR, "protocol_h2"),
    (frame(8, 0, 0, b"\0\0\0\0"), h2.errors.ErrorCodes.PROTOCOL_ERROR, "protocol_h2"),
    (frame(1, 5, 1, b"\xff\xff\xff\xff\xff\xff"), h2.errors.ErrorCodes.COMPRESSION_ERROR, "protocol_h2"),
    (frame(0, 0, 0)[:3].replace(b"\0\0\0", b"\xff\xff\xff") + frame(0, 0, 1)[3:], h2.errors.ErrorCodes.FRAME_SIZE_ERROR, "protocol_h2"),
    (frame(6, 0, 0, b"12345678") * 5000, h2.errors.ErrorCodes.ENHANCE_YOUR_CALM, "flood_h2"),
    (frame(4, 0, 0) * 5000, h2.errors.ErrorCodes.ENHANCE_YOUR_CALM, "flood_h2"),
    (frame(1, 1, 1, b"\x82"), h2.errors.ErrorCodes.NO_ERROR, "header_timeout"),
], ids=["data on no stream", "window of nothing", "broken compression", "frame too long", "pings", "settings", "half a header"])
def test_violations_of_the_framing_end_in_goaway_and_are_counted(strict, content, code, reason):
    before = violations(strict)
    client = http2(strict, patience=20)
    client.until(lambda: client.settings)
    client.sock.sendall(content)
    client.until(lambda: client.goaway is not None)
    assert client.goaway.error_code == code
    assert new_since(strict, before) == {reason: 1}
    assert curl_status(strict, "/echo") == 200


@pytest.mark.parametrize("open_client", [http1, http2], ids=["http1", "http2"])
def test_a_client_that_does_not_read_is_counted(strict, open_client):
    before = violations(strict)
    client = open_client(strict, **({"window": 1000} if open_client is http2 else {"receive_buffer": 4096}))
    if open_client is http2:
        client.request(path="/download?size=1000000000")
    else:
        client.send(f"GET /download?size=1000000000 HTTP/1.1\r\n{HOST}\r\n")
    eventually(lambda: strict.metric("sekisho_requests_open") == 1)
    eventually(lambda: strict.metric("sekisho_requests_open") == 0, what="the end of the request")
    assert new_since(strict, before) == {"write_timeout": 1}
    client.close()


@pytest.mark.parametrize("idle", ["180ms", "500ms"], ids=["before it is parked", "parked"])
@pytest.mark.parametrize("client", [http1, http2])
def test_idle_connections_are_closed_and_counted(run_edge, settings, backend, client, idle):
    edge = run_edge(settings(backend, timeouts={"idle": idle}))
    one = client(edge)
    assert one.get("/echo")[0] == 200
    eventually(lambda: edge.metric("sekisho_connections_open") == 0, what="the end of the connection")
    assert edge.metric(NAME, reason="idle_timeout") == edge.metric(NAME) == 1


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
def test_connections_over_their_limit_are_closed_counted_and_welcome_again_later(run_edge, settings, backend, limit):
    edge = run_edge(settings(backend, workers=1, limits={limit: 3}))
    kept = [http1(edge), http2(edge), plain_http1(edge.plain_port)]
    eventually(lambda: edge.metric("sekisho_connections_open") == 3, what="the plain one is accepted too")
    for _ in range(2):
        for open_client in (lambda: http1(edge), lambda: http2(edge), lambda: plain_http1(edge.plain_port)):
            with pytest.raises((OSError, EOFError)):
                open_client().get("/echo")
    assert edge.metric(NAME, reason=limit) == edge.metric(NAME) == 6
    assert edge.metric("sekisho_connections_open") == 3
    assert [client.get("/echo")[0] for client in kept] == [200] * 3, "those who were there first are served on"
    kept.pop().close()
    eventually(lambda: plain_http1(edge.plain_port).get("/echo")[0] == 200, what="there is room again")
    assert [client.get("/echo")[0] for client in kept] == [200] * 2
