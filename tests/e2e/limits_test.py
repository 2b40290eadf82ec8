"""What a stranger may cost: each limit answers with its own status, and a good request right after is served."""

import resource
import select
import socket
import threading
import time

import pytest

from support.client import curl_status, http1, http2, plain_http1
from support.edge import eventually, running

HOST = "Host: www.example.com\r\n"


@pytest.fixture(scope="module")
def tight(settings, backend, tmp_path_factory):
    values = settings(backend, limits={"header_count": 20, "header_size": "4KiB", "uri_length": "1KiB", "body_size": "10KiB"},
                      timeouts={"header": "1s", "body": "1s", "idle": "2s", "write": "1s"})
    values["routes"] = [{"backend": "app"}, {"path": {"prefix": "/upload"}, "backend": "app", "body_size": "100KiB"}]
    with running(tmp_path_factory.mktemp("tight"), values) as edge:
        yield edge
        assert curl_status(edge, "/echo") == 200


def answered(client, content):
    client.sock.settimeout(20)
    try:
        client.send(content)
    except OSError:
        pass
    return client.response()[0]


@pytest.mark.parametrize("content,status", [
    (f"GET /{'a' * 2000} HTTP/1.1\r\n{HOST}\r\n", 414),
    (f"GET /echo HTTP/1.1\r\n{HOST}X-Big: {'a' * 5000}\r\n\r\n", 431),
    (f"GET /echo HTTP/1.1\r\n{HOST}" + "".join(f"X-{i}: 1\r\n" for i in range(30)) + "\r\n", 431),
    (f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 20000\r\n\r\n", 413),
    (f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n4e20\r\n{'a' * 20000}\r\n0\r\n\r\n", 413),
    (f"GET /echo HTTP/1.1\r\n{HOST}X-Slow: ", 408),
    (f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 100\r\n\r\nhalf", 408),
])
def test_http1_limits_have_their_status(tight, content, status):
    assert answered(http1(tight), content) == status


def test_an_endless_header_is_cut_off(tight):
    client = http1(tight)
    client.sock.settimeout(20)
    with pytest.raises((OSError, EOFError)):
        client.send(f"GET /echo HTTP/1.1\r\n{HOST}X-Big: ")
        for _ in range(2000):
            client.send("a" * 10000)
        client.response()
        client.line()


def test_http2_limits_have_their_status(tight):
    for path, headers, status in (("/" + "a" * 2000, [], "414"), ("/echo", [("x-big", "a" * 5000)], "431"),
                                  ("/echo", [(f"x-{i}", "1") for i in range(30)], "431")):
        client = http2(tight)
        stream = client.request(path=path, headers=headers)
        client.response(stream)
        assert client.headers.get(stream, {}).get(":status") == status or stream in client.resets, (path[:9], status)


def test_http2_bodies_have_their_limit(tight):
    client = http2(tight)
    stream = client.request("POST", "/echo", body=b"a" * 16000, end=False)
    client.until(lambda: stream in client.headers or stream in client.ended)
    assert client.headers[stream][":status"] == "413"


def drip(client, piece, seconds=12):
    """A byte every fifth of a second, which no pause of a body betrays, until there is an answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not select.select([client.sock], [], [], 0.2)[0]:
        client.send(piece)


@pytest.mark.parametrize("framing", ["Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"], ids=["length", "chunked"])
def test_a_body_that_drips_is_ended(run_edge, settings, backend, framing):
    edge = run_edge(settings(backend, timeouts={"body": "2s"}))
    client = plain_http1(edge.plain_port)
    client.send(f"POST /upload HTTP/1.1\r\n{HOST}{framing}\r\n")
    begun = time.monotonic()
    drip(client, "a" if "Length" in framing else "1\r\na\r\n")
    status = client.head()[0]
    took = time.monotonic() - begun
    assert status == 408 and 1.5 < took < 10, took
    assert any("body_timeout" in line and not line.endswith(" 0") for line in edge.admin("/metrics")[1].splitlines())


@pytest.mark.parametrize("values,kind", [({"limits": {"body_rate": 0}}, "text/plain"), ({"limits": {"body_rate": "4"}}, "text/plain"),
                                         ({}, "application/grpc+proto")], ids=["off", "fast enough", "grpc"])
def test_a_body_that_drips_may_be_allowed(run_edge, settings, backend, values, kind):
    edge = run_edge(settings(backend, timeouts={"body": "2s"}, **values))
    client = http1(edge)
    client.send(f"POST /upload HTTP/1.1\r\n{HOST}Content-Length: 25\r\nContent-Type: {kind}\r\n\r\n")
    for _ in range(25):
        client.send("a")
        time.sleep(0.2)
    assert client.head()[0] == 200


def test_a_route_may_allow_more(tight, tmp_path):
    file = tmp_path / "body"
    file.write_bytes(b"a" * 50000)
    assert curl_status(tight, "/upload", "-T", str(file)) == 200
    file.write_bytes(b"a" * 150000)
    assert curl_status(tight, "/upload", "-T", str(file)) == 413


def test_an_idle_connection_is_closed(tight):
    client = http1(tight)
    assert client.get("/echo")[0] == 200
    client.sock.settimeout(20)
    assert client.closed()


def test_connections_of_one_address_are_limited(run_edge, settings, backend):
    edge = run_edge(settings(backend, workers=1, limits={"connections_per_address": 5}))
    kept = []
    with pytest.raises((OSError, EOFError)):
        for _ in range(10):
            kept.append(http1(edge))
            assert kept[-1].get("/echo")[0] == 200
    assert len(kept) >= 5
    for client in kept:
        client.close()


def test_requests_of_one_connection_are_limited(run_edge, settings, backend):
    edge = run_edge(settings(backend, limits={"requests_per_connection": 3}))
    client = http1(edge)
    heads = [client.get("/echo")[1] for _ in range(3)]
    assert heads[-1].get("connection") == ["close"] and "connection" not in heads[0]
    assert client.closed()


def test_violations_are_counted(tight):
    answered(http1(tight), f"GET /{'a' * 2000} HTTP/1.1\r\n{HOST}\r\n")
    text = tight.admin("/metrics")[1]
    assert any("uri_length" in line and not line.endswith(" 0") for line in text.splitlines()), "no count of uri_length"


def test_a_refusal_does_not_wait_for_the_body(tight):
    """The answer comes before the client has sent what will not be read."""
    client = http1(tight)
    client.sock.settimeout(20)
    client.send(f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 1000000000\r\n\r\n")
    assert client.head()[0] == 413


@pytest.mark.alone
def test_two_thousand_silent_connections_do_not_hinder_others(run_edge, settings, backend):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    edge = run_edge(settings(backend, limits={"connections_per_address": 5000}))
    silent = []
    try:
        for _ in range(2000):
            silent.append(socket.create_connection(("127.0.0.1", edge.port)))
        eventually(lambda: edge.metric("sekisho_connections_open") == 2000)
        for _ in range(5):
            assert curl_status(edge, "/echo", "-m", "5") == 200
        assert edge.metric("sekisho_connections_open") >= 2000, "none was given up for it"
    finally:
        for sock in silent:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("body", [b"5;a=" + b"x" * 100_000, b"0" * 100_000, b"0\r\nX-End: " + b"x" * 100_000],
                         ids=["extension", "size", "trailer"])
def test_a_chunk_line_without_end_holds_back_nobody(run_edge, settings, backend, body):
    edge = run_edge(settings(backend, workers=1))
    client = plain_http1(edge.plain_port, patience=5)
    try:
        client.send(f"POST /upload HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n".encode() + body)
        client.rest()
    except OSError:
        pass
    assert curl_status(edge, "/echo", "-m", "5", scheme="http") == 200


def test_a_chunk_line_without_end_of_a_backend_holds_back_nobody(run_edge, settings, backend):
    edge = run_edge(settings(backend, workers=1))
    client = http1(edge)
    client.send(f"GET /long-chunk HTTP/1.1\r\n{HOST}\r\n")
    client.sock.settimeout(20)
    client.rest()
    assert curl_status(edge, "/echo", "-m", "5") == 200


@pytest.mark.parametrize("path,upgrade", [("/download?size=1000000000", ""), ("/flood", "Connection: upgrade\r\nUpgrade: flood\r\n")],
                         ids=["download", "tunnel"])
def test_a_client_that_does_not_read_is_cut_off_whatever_else_was_late(run_edge, settings, backend, path, upgrade):
    """The request's own deadline, or that of the silent tunnel, comes first; the client's must still end it."""
    values = settings(backend, timeouts={"write": "2s"})
    values["backends"]["app"]["timeouts"] = {"request": "300ms", "upgraded_idle": "300ms"}
    edge = run_edge(values)
    client = http1(edge, receive_buffer=4096)
    client.send(f"GET {path} HTTP/1.1\r\n{HOST}{upgrade}\r\n")
    eventually(lambda: edge.metric("sekisho_requests_open") == 1)
    eventually(lambda: edge.metric("sekisho_requests_open") == 0, what="the end of the request")
    client.close()


@pytest.mark.alone
def test_a_client_that_never_pauses_leaves_time_for_others(run_edge, settings, backend):
    """A pipeline of requests that are answered at once, from a client that reads and writes without end."""
    edge = run_edge(settings(backend, workers=1, routes=[{"respond": {"status": 200, "body": "here"}}]))
    busy = [socket.create_connection(("127.0.0.1", edge.plain_port)) for _ in range(2)]
    requests = f"GET / HTTP/1.1\r\n{HOST}\r\n".encode() * 5000

    def write(sock):
        try:
            while True:
                sock.sendall(requests)
        except OSError:
            pass

    def read(sock):
        try:
            while sock.recv(1 << 20):
                pass
        except OSError:
            pass

    threads = [threading.Thread(target=what, args=(sock,)) for sock in busy for what in (write, read)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            begun = time.monotonic()
            assert curl_status(edge, "/", scheme="http") == 200
            assert time.monotonic() - begun < 1
    finally:
        for sock in busy:
            sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
