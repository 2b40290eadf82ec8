"""Streams that are open while listeners, routes and certificates change, and while the edge drains."""

import json
import select
import signal

import pytest

from certificates_test import serial
from support.client import WebSocket, WebSocketOverHttp2, http1, http2, plain_http1
from support.edge import eventually, free_port

HOST = "Host: www.example.com\r\n"


class Conversation:
    """A stream whose request body comes back piece by piece in the response; each piece is sent by the test."""

    def __init__(self, client):
        self.client, self.stream, self.size = client, client.request("POST", "/talk", end=False), 0

    def echo(self, piece):
        self.client.send_data(self.stream, piece)
        self.size += len(piece)
        self.client.until(lambda: len(self.client.data.get(self.stream, b"")) >= self.size)
        assert self.client.data[self.stream].endswith(piece)

    def end(self):
        self.client.h2.send_data(self.stream, b"", end_stream=True)
        self.client.flush()
        status, _, body, trailers = self.client.response(self.stream)
        assert (status, len(body), trailers) == (200, self.size, {"x-end": "reached"})
        assert self.stream not in self.client.resets


@pytest.fixture
def talking(make_backend):
    server = make_backend()

    def talk(exchange):
        send = exchange.connection.send
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n")
        for piece in exchange.body():
            send(b"%x\r\n%s\r\n" % (len(piece), piece))
        send(b"0\r\nX-End: reached\r\n\r\n")

    server.do_talk = talk
    return server


def test_a_stream_lives_on_through_reloads_and_a_swapped_certificate(run_edge, settings, talking, authority, tmp_path):
    crt, key = authority.issue("www.example.com").write(tmp_path)
    edge = run_edge(settings(talking, certificates=[{"files": {"certificate": str(crt), "key": str(key)}}]))
    client = http2(edge)
    talk = Conversation(client)
    talk.echo(b"before")
    fresh = authority.issue("www.example.com")
    fresh.write(tmp_path)
    eventually(lambda: serial(edge) == fresh.serial, what="the new certificate")
    talk.echo(b"swapped")
    edge.reload(tls={"profile": "modern"}, limits={"streams_per_connection": 1, "header_count": 50})
    talk.echo(b"other limits")
    edge.reload(routes=[{"respond": {"body": "gone"}}], backends={})
    eventually(lambda: client.get("/")[2] == b"gone", what="the same connection follows the change")
    talk.echo(b"without a route")
    talk.end()


def test_connections_of_a_removed_listener_live_on(run_edge, settings, make_backend):
    server = make_backend()
    edge = run_edge(settings(server))
    first, extra = edge.settings["listeners"], free_port()
    edge.reload(listeners=[*first, {"address": f"127.0.0.1:{extra}"}])
    kept, busy, upgraded = plain_http1(extra), plain_http1(extra), WebSocket(plain_http1(extra))
    assert kept.get("/echo")[0] == 200
    busy.send(f"GET /gate HTTP/1.1\r\n{HOST}\r\n")
    eventually(lambda: ("GET", "/gate") in server.requests)
    edge.reload(listeners=first)

    def refused():
        try:
            plain_http1(extra, patience=1).close()
        except ConnectionRefusedError:
            return True
    eventually(refused, what="the removed listener is closed")
    upgraded.echo(b"still here")
    server.gate.set()
    assert busy.response()[0] == 200
    assert kept.get("/echo")[0] == busy.get("/echo")[0] == 200


def test_an_http2_stream_in_flight_ends_well_after_the_goaway_of_a_drain(run_edge, settings, talking):
    edge = run_edge(settings(talking, drain={"grace": "50ms", "deadline": "20s"}))
    client = http2(edge)
    talk, waiting = Conversation(client), client.request(path="/gate")
    talk.echo(b"before")
    eventually(lambda: ("GET", "/gate") in talking.requests)
    edge.signal(signal.SIGTERM)
    client.until(lambda: client.goaway is not None and client.goaway.last_stream_id < 2**31 - 1)
    assert client.goaway.error_code == 0 and client.goaway.last_stream_id == waiting
    talk.echo(b"after GOAWAY")
    talking.gate.set()
    assert json.loads(client.response(waiting)[2])["target"] == "/gate"
    talk.end()
    with pytest.raises(EOFError):
        client.until(lambda: False)
    assert edge.process.wait(10) == 0, "it ends as soon as the last stream has"


def test_a_request_that_crosses_the_first_goaway_of_a_drain_is_served(run_edge, settings, backend):
    """RFC 9113 section 6.8: that one names no stream yet, so that what is on its way is not lost."""
    edge = run_edge(settings(backend, drain={"grace": "50ms", "deadline": "20s"}))
    client = http2(edge)
    assert client.get("/echo")[0] == 200
    edge.signal(signal.SIGTERM)
    assert select.select([client.sock], [], [], 10)[0], "GOAWAY has come and is not read"
    stream = client.request(path="/echo")
    assert client.response(stream)[0] == 200
    client.until(lambda: client.goaway is not None and client.goaway.last_stream_id == stream)
    client.close()
    assert edge.process.wait(10) == 0  # a second signal would end it at once


@pytest.mark.parametrize("open_socket", [lambda edge: WebSocket(http1(edge)), lambda edge: WebSocketOverHttp2(http2(edge))],
                         ids=["http1", "http2"])
def test_a_websocket_is_served_until_the_deadline_of_the_drain(run_edge, settings, backend, open_socket):
    edge = run_edge(settings(backend, drain={"grace": "0", "deadline": "3s"}))
    upgraded = open_socket(edge)
    upgraded.echo(b"before")
    edge.signal(signal.SIGTERM)
    eventually(lambda: edge.readiness()["draining"])
    upgraded.echo(b"draining")
    assert edge.process.wait(10) == 0
