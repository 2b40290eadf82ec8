"""Connections whose clients say nothing for a while are parked: they cost almost no memory, and nobody else can tell."""

import signal
import ssl

import pytest

from support.client import Http1, http1, plain_http1, tls_socket
from support.edge import eventually

HOST = "Host: www.example.com\r\n"


def parked(edge, count=1):
    eventually(lambda: edge.metric("sekisho_connections_parked") == count, what=f"{count} parked")


@pytest.fixture
def lone_edge(run_edge, settings, backend):
    return run_edge(settings(backend, drain={"grace": "0", "deadline": "30s"}))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls12", "tls13"])
def test_a_parked_connection_goes_on_with_the_next_request(lone_edge, version):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    client = Http1(tls_socket(lone_edge.port, context=context))
    for _ in range(3):
        parked(lone_edge)
        assert client.get("/echo")[0] == 200
        assert client.get("/echo")[0] == 200
    parked(lone_edge)
    client.close()
    eventually(lambda: lone_edge.metric("sekisho_connections_open") == 0)
    assert lone_edge.metric("sekisho_connections_parked") == 0


def test_requests_of_a_connection_are_counted_through_its_pauses(run_edge, settings, backend):
    edge = run_edge(settings(backend, limits={"requests_per_connection": 2}))
    client = http1(edge)
    assert "connection" not in client.get("/echo")[1]
    parked(edge)
    assert client.get("/echo")[1]["connection"] == ["close"]
    assert client.closed()


def test_a_request_that_has_begun_is_not_parked(run_edge, settings, backend):
    edge = run_edge(settings(backend, timeouts={"header": "600ms"}))
    client = http1(edge)
    client.send("GET /echo HTT")
    assert client.response()[0] == 408
    assert edge.metric("sekisho_connections_parked") == 0


def test_a_parked_connection_ends_at_its_idle_time_with_close_notify(run_edge, settings, backend):
    edge = run_edge(settings(backend, timeouts={"idle": "3s"}))
    client = http1(edge)
    assert client.get("/echo")[0] == 200
    parked(edge)
    client.sock.suppress_ragged_eofs = False  # an end without close_notify is an error
    assert client.sock.recv(1) == b""


def test_a_parked_connection_may_ask_once_more_while_draining(lone_edge):
    asking, silent = http1(lone_edge), http1(lone_edge)
    assert asking.get("/echo")[0] == 200
    parked(lone_edge, 2)
    lone_edge.signal(signal.SIGTERM)
    eventually(lambda: lone_edge.admin("/readyz")[0] != 200)

    def told_to_close():  # readiness goes before the workers are told
        status, headers, _, _ = asking.get("/echo")
        assert status == 200
        return headers.get("connection") == ["close"]
    eventually(told_to_close, what="the last answer")
    assert asking.closed() and silent.closed()
    assert lone_edge.process.wait(20) == 0


def test_the_deadline_of_the_drain_cuts_parked_connections(run_edge, settings, backend):
    edge = run_edge(settings(backend, drain={"grace": "0", "deadline": "300ms"}))
    clients = [http1(edge) for _ in range(20)]
    parked(edge, 20)
    edge.stop()
    assert all(client.closed() for client in clients)


def test_a_plain_connection_is_parked_as_well(run_edge, settings, backend):
    edge = run_edge(settings(backend))
    client = plain_http1(edge.plain_port)
    for _ in range(2):
        client.send(f"GET /echo HTTP/1.1\r\n{HOST}\r\n")
        client.response()
        parked(edge)
