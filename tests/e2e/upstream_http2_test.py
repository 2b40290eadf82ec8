"""HTTP/2 over TLS to backends. The backend is another sekisho, whose access log says what it was spoken to in."""

import json
import ssl

import pytest

from support.client import curl, curl_status, http2, plain_http1
from support.edge import eventually


@pytest.fixture
def inner(run_edge, settings, make_backend):
    values = settings(make_backend("innermost"), access_log="json")
    values["routes"] = [{"backend": "app"}, {"path": {"prefix": "/here"}, "respond": {"status": 201, "body": "inner"}}]
    return run_edge(values)


def to_inner(settings, address, *, protocol="http2", **tls):
    return settings(None, workers=1, routes=[{"backend": "inner"}], backends={
        "inner": {"endpoints": [address], "protocol": protocol, "tls": tls, "retries": {"attempts": 0}}})


def log_of(edge, path):
    def line():
        lines = [json.loads(line) for line in edge.stdout.splitlines() if line.endswith("}")]
        return next((line for line in lines if line["path"] == path), None)
    return eventually(line, what=f"a line for {path}")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_http2_over_tls_is_spoken_to_a_backend_that_is_verified(run_edge, settings, inner, ca, version):
    outer = run_edge(to_inner(settings, f"127.0.0.1:{inner.port}", ca_certificates=str(ca), server_name="www.example.com"))
    assert curl(outer, "/here", version) == "inner"
    line = log_of(inner, "/here")
    assert (line["protocol"], line["tls_version"], line["sni"]) == ("HTTP/2", "TLSv1.3", "www.example.com")


@pytest.mark.parametrize("protocol,shown", [("http1", "HTTP/1.1"), ("http2", "HTTP/2")])
def test_the_configured_name_is_asked_for(run_edge, settings, inner, ca, protocol, shown):
    outer = run_edge(to_inner(settings, f"127.0.0.1:{inner.port}", protocol=protocol, ca_certificates=str(ca),
                              server_name="other.example.com"))
    assert curl(outer, "/here") == "inner"
    line = log_of(inner, "/here")
    assert (line["protocol"], line["sni"], line["host"].partition(":")[0]) == (shown, "other.example.com", "www.example.com")


def test_bodies_and_trailers_pass_both_ways(run_edge, settings, inner, ca):
    outer = run_edge(to_inner(settings, f"127.0.0.1:{inner.port}", ca_certificates=str(ca), server_name="www.example.com"))
    client = http2(outer)
    stream = client.request("POST", "/echo", end=False)
    client.send_data(stream, b"x" * 100_000)
    client.h2.send_headers(stream, [("x-end", "yes")], end_stream=True)
    client.flush()
    answer = json.loads(client.response(stream)[2])
    assert answer["body_length"] == 100_000
    assert ["x-end", "yes"] in [[name.lower(), value] for name, value in answer["trailers"]]
    status, _, body, trailers = client.get("/chunked?n=2", headers=[("te", "trailers")])
    assert (status, body, trailers) == (200, b"piece 0\npiece 1\n", {"x-sum": "42"})


def test_requests_at_once_share_one_connection(run_edge, settings, inner, ca):
    outer = run_edge(to_inner(settings, f"127.0.0.1:{inner.port}", ca_certificates=str(ca), server_name="www.example.com"))
    client = http2(outer)
    streams = [client.request(path=f"/echo?{number}") for number in range(40)]
    assert [json.loads(client.response(stream)[2])["target"] for stream in streams] == [f"/echo?{n}" for n in range(40)]
    assert outer.metric("sekisho_upstream_connections_opened_total") == 1
    assert outer.metric("sekisho_upstream_connections_reused_total") == 39


def test_who_is_not_trusted_or_misnamed_is_not_spoken_to(run_edge, settings, inner, ca):
    for tls in ({"server_name": "www.example.com"}, {"ca_certificates": str(ca), "server_name": "wrong.example.com"}):
        outer = run_edge(to_inner(settings, f"127.0.0.1:{inner.port}", **tls))
        assert curl_status(outer, "/here") == 502
        assert outer.metric("sekisho_upstream_failures_total", reason="tls") == 1
    assert inner.metric("sekisho_protocol_requests_total") == 0


def test_a_backend_that_does_not_choose_h2_is_502_and_never_gets_the_request(run_edge, settings, make_backend, pair_files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, pair_files))
    server = make_backend(tls=context)
    outer = run_edge(to_inner(settings, server.address, verify=False))
    assert curl_status(outer, "/echo") == 502
    assert outer.metric("sekisho_upstream_failures_total", reason="tls") == 1
    assert server.requests == []


def test_a_backend_that_drains_is_asked_on_a_new_connection(run_edge, settings, inner, ca):
    """The inner edge says GOAWAY after three requests a connection; the outer's clients see nothing of it."""
    inner.reload(limits={"requests_per_connection": 3})
    outer = run_edge(to_inner(settings, f"127.0.0.1:{inner.port}", ca_certificates=str(ca), server_name="www.example.com"))
    client = plain_http1(outer.plain_port)
    assert [client.get("/here")[0] for _ in range(10)] == [201] * 10
    assert 4 <= outer.metric("sekisho_upstream_connections_opened_total") <= 5
