"""Each way in which a backend can fail has its status, its outcome in the access log and its reason in the metrics."""

import json
import socket
import ssl

import pytest

from support.backend import Backend
from support.client import plain_http1
from support.edge import eventually, free_port, running


@pytest.fixture(scope="module")
def never_accepts():
    """The address of a listener whose queue is full: it does not answer SYNs."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        taken = [socket.socket() for _ in range(4)]
        for sock in taken:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        yield "127.0.0.1:%d" % full.getsockname()[1]
        for sock in taken:
            sock.close()


@pytest.fixture(scope="module")
def secure(pair_files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, pair_files))
    server = Backend("secure", tls=context)
    yield server
    server.close()


@pytest.fixture(scope="module")
def failing(settings, backend, secure, never_accepts, tmp_path_factory):
    """A route /NAME/... for each backend below."""
    here = [backend.address]
    backends = {
        "plain": {"endpoints": here},
        "refusing": {"endpoints": [f"127.0.0.1:{free_port()}"]},
        "untrusted": {"endpoints": [secure.address], "tls": {"server_name": "www.example.com"}},
        "nameless": {"endpoints": ["no-such-name.invalid:80"]},
        "weightless": {"endpoints": [{"address": backend.address, "weight": 0}]},
        "narrow": {"endpoints": here, "limits": {"connections": 1, "queue": 0}},
        "queued": {"endpoints": here, "limits": {"connections": 1, "queue": 1, "queue_timeout": "200ms"}},
        "unaccepting": {"endpoints": [never_accepts], "timeouts": {"connect": "300ms"}},
        "silent": {"endpoints": here, "timeouts": {"first_byte": "300ms"}},
        "endless": {"endpoints": here, "timeouts": {"request": "300ms"}},
    }
    for values in backends.values():
        values["retries"] = {"attempts": 0}
    routes = [{"path": {"prefix": f"/{name}"}, "backend": name, "replace_prefix": "/"} for name in backends]
    values = settings(None, workers=1, access_log="json", routes=routes, backends=backends)
    with running(tmp_path_factory.mktemp("failing"), values) as edge:
        yield edge


def outcome_of(edge, target):
    lines = [json.loads(line) for line in edge.stdout.splitlines() if line.endswith("}")]
    return next((line["outcome"] for line in lines if line["path"] == target), None)


@pytest.mark.parametrize("target,status,retry_after,outcome,reason", [
    ("/refusing/echo", 502, None, "upstream_unreachable", "connect"),
    ("/untrusted/echo", 502, None, "upstream_unreachable", "tls"),
    ("/plain/close", 502, None, "upstream_closed", "closed"),
    ("/plain/garbage", 502, None, "upstream_closed", "protocol"),
    ("/nameless/echo", 503, "1", "no_endpoint", "no_endpoint"),
    ("/weightless/echo", 503, "1", "no_endpoint", "no_endpoint"),
    ("/narrow/echo", 503, "1", "upstream_overloaded", "queue_full"),
    ("/queued/echo", 503, "1", "upstream_overloaded", "queue_timeout"),
    ("/unaccepting/echo", 504, None, "upstream_timeout", "connect_timeout"),
    ("/silent/gate", 504, None, "upstream_timeout", "first_byte_timeout"),
    ("/endless/gate", 504, None, "upstream_timeout", "request_timeout"),
])
def test_every_failure_has_its_own_status_outcome_and_count(failing, backend, target, status, retry_after, outcome, reason):
    busy = None
    if target.startswith(("/narrow", "/queued")):
        busy = plain_http1(failing.plain_port)
        before = len(backend.requests)
        busy.send(f"GET {target.replace('echo', 'gate')} HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
        eventually(lambda: len(backend.requests) > before, what="the only connection is taken")
    counts = {labels["reason"]: value for labels, value in failing.metrics()["sekisho_upstream_failures_total"]}
    client = plain_http1(failing.plain_port)
    client.send(f"POST {target} HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 0\r\n\r\n")
    got, headers, _, _ = client.response()
    assert got == status
    assert headers.get("retry-after", [None]) == [retry_after]
    assert eventually(lambda: outcome_of(failing, target), what="a line in the access log") == outcome
    after = {labels["reason"]: value for labels, value in failing.metrics()["sekisho_upstream_failures_total"]}
    assert {name: after[name] - counts[name] for name in after if after[name] != counts[name]} == {reason: 1}
    if busy is not None:
        backend.gate.set()
        assert busy.response()[0] == 200
        backend.gate.clear()


def test_a_body_that_stalls_is_an_idle_timeout_and_no_new_status(run_edge, settings, make_backend):
    values = settings(make_backend(), access_log="json")
    values["backends"]["app"].update(timeouts={"idle": "300ms"}, retries={"attempts": 0})
    edge = run_edge(values)
    client = plain_http1(edge.plain_port)
    client.send("GET /stall HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
    assert client.head()[0] == 200 and client.rest() == b"half"
    assert eventually(lambda: outcome_of(edge, "/stall")) == "upstream_timeout"
    assert edge.metric("sekisho_upstream_failures_total", reason="idle_timeout") == 1
    assert edge.metric("sekisho_upstream_failures_total") == 1
