"""A violation costs less than a good request: CPU of our process by the kernel's own accounting, not time on a clock."""

import pathlib
import socket

import pytest

from support.client import tls_context, tls_socket
from support.edge import eventually

pytestmark = pytest.mark.alone

HOST = b"Host: www.example.com\r\n"
GOOD = b"GET /status/200 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
COUNT = 1000


def cpu(edge):
    """Nanoseconds that all threads have run so far."""
    tasks = pathlib.Path(f"/proc/{edge.process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def costs(edge, attempts, count):
    """Nanoseconds for one of each attempt, taken in turns so that both see the same machine."""
    spent, rounds = [0] * len(attempts), 5
    for number in range(rounds + 1):
        for which, attempt in enumerate(attempts):
            before = cpu(edge)
            for _ in range(count // rounds):
                attempt(edge)
            eventually(lambda: edge.metric("sekisho_connections_open") == 0)
            spent[which] += cpu(edge) - before if number > 0 else 0  # the first round is to warm up
    return [nanoseconds / count for nanoseconds in spent]


def exchange(content):
    """On a connection of its own, in clear: all that there is up to its end."""
    def attempt(edge):
        with socket.create_connection(("127.0.0.1", edge.plain_port), timeout=10) as sock:
            sock.sendall(content)
            try:
                while sock.recv(65536):
                    pass
            except ConnectionResetError:
                pass
    return attempt


@pytest.fixture
def edge(run_edge, settings, backend):
    return run_edge(settings(backend, workers=1, tls={"unknown_name": "reject"},
                             limits={"header_size": "4KiB", "uri_length": "1KiB", "body_size": "10KiB"}))


@pytest.mark.parametrize("content", [
    b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /echo HTTP/1.1\r\n" + HOST + b"X-Big: " + b"a" * 5000 + b"\r\n\r\n",
    b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 20000\r\n\r\n",
    b"GET /echo HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\4\0\0\0\0\0\0data",
], ids=["uri_length", "header_size", "body_size", "bad_request", "protocol_h2"])
def test_a_violation_costs_less_than_a_good_request(edge, content):
    name = "sekisho_client_violations_total"
    good, bad = costs(edge, [exchange(GOOD), exchange(content)], COUNT)
    assert edge.metric(name) == COUNT * 6 / 5, "each of them is one, and the good ones are none"
    # Half to nine tenths of it, measured; the margin is for what else the machine does.
    assert bad < 1.3 * good, f"{bad / 1000:.0f} µs against {good / 1000:.0f} µs"


def test_a_refused_name_costs_less_than_a_handshake(edge):
    context = tls_context()

    def shake(name):
        def attempt(edge):
            try:
                tls_socket(edge.port, name=name, context=context).close()
            except OSError:
                pass
        return attempt

    good, bad = costs(edge, [shake("www.example.com"), shake("unknown.test")], 300)
    assert edge.metric("sekisho_handshake_failures_total", reason="unknown_name") == 360
    assert bad < good, f"{bad / 1000:.0f} µs against {good / 1000:.0f} µs"
