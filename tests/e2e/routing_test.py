"""Which route a request takes, what happens to its headers and path, redirects and fixed answers."""

import json
import re

import pytest

from support.client import curl, curl_json, curl_status, echo_headers, http1, plain_http1
from support.edge import running

ROUTES = [
    {"name": "any", "respond": {"status": 200, "body": "any"}},
    {"name": "site", "hosts": ["www.example.com"], "respond": {"body": "site"}},
    {"name": "app", "hosts": ["www.example.com"], "path": {"prefix": "/app"}, "respond": {"body": "app"}},
    {"name": "app-deep", "hosts": ["www.example.com"], "path": {"prefix": "/app/deep"}, "respond": {"body": "app-deep"}},
    {"name": "app-exact", "hosts": ["www.example.com"], "path": {"exact": "/app/deep"}, "respond": {"body": "app-exact"}},
    {"name": "post", "hosts": ["www.example.com"], "path": {"prefix": "/app"}, "methods": ["POST"], "respond": {"body": "post"}},
    {"name": "beta", "hosts": ["www.example.com"], "path": {"prefix": "/app"}, "headers": [{"name": "X-Beta", "exact": "yes"}],
     "respond": {"body": "beta"}},
    {"name": "wild", "hosts": ["*.apps.example.com"], "respond": {"body": "wild"}},
    {"name": "exact-host", "hosts": ["a.apps.example.com"], "respond": {"body": "exact-host"}},
    {"name": "teapot", "path": {"exact": "/teapot"}, "respond": {"status": 418, "content_type": "application/json", "body": "{}"}},
    {"name": "moved", "path": {"prefix": "/old"}, "redirect": {"status": 301, "replace_prefix": "/new"}},
    {"name": "away", "path": {"exact": "/away"}, "redirect": {"host": "elsewhere.example", "scheme": "https", "port": 8443, "path": "/there"}},
    {"name": "secure", "hosts": ["secure.example.com"], "https_redirect": True, "respond": {"body": "secure"}},
    {"name": "stripped", "path": {"prefix": "/strip"}, "backend": "app", "replace_prefix": "/"},
    {"name": "swapped", "path": {"prefix": "/swap"}, "backend": "app", "replace_prefix": "/echo/inner"},
    {"name": "headers", "path": {"prefix": "/headers"}, "backend": "app",
     "request_headers": {"remove": ["X-Drop"], "set": {"X-Set": "edge"}, "add": {"X-Add": "more"}},
     "response_headers": {"remove": ["X-Backend"], "set": {"Strict-Transport-Security": "max-age=1"}}},
    {"name": "renamed", "path": {"prefix": "/renamed"}, "backend": "renamed"},
    {"name": "echo", "path": {"prefix": "/echo"}, "backend": "app"},
]


@pytest.fixture(scope="module")
def table(settings, backend, tmp_path_factory):
    values = settings(None, routes=ROUTES, backends={
        "app": {"endpoints": [backend.address]},
        "renamed": {"endpoints": [backend.address], "host_header": "inner.example"}})
    with running(tmp_path_factory.mktemp("table"), values) as edge:
        yield edge


@pytest.mark.parametrize("host,path,expected", [
    ("www.example.com", "/", "site"), ("www.example.com", "/other", "site"), ("WWW.Example.Com", "/", "site"),
    ("www.example.com", "/app", "app"), ("www.example.com", "/app/", "app"), ("www.example.com", "/app/x?y=/app/deep", "app"),
    ("www.example.com", "/apple", "site"), ("www.example.com", "/app/deeper", "app"),
    ("www.example.com", "/app/deep", "app-exact"), ("www.example.com", "/app/deep/", "app-deep"),
    ("www.example.com", "/app/deep/x", "app-deep"), ("www.example.com", "/x/../app/deep", "app-exact"),
    ("www.example.com", "/x/%2e%2e/app/deep", "app-exact"),
    ("www.example.com", "//app", "app"), ("www.example.com", "/app;x", "app"), ("www.example.com", "/app%2fdeep/", "app-deep"),
    ("www.example.com:8443", "/app", "app"), ("www.example.com.", "/app", "app"),
    ("b.apps.example.com", "/", "wild"), ("a.apps.example.com", "/", "exact-host"),
    ("x.b.apps.example.com", "/", "any"), ("apps.example.com", "/", "any"), ("unknown.example", "/", "any"),
    ("other.example.com", "/app", "any"),
])
def test_host_and_path_decide(table, host, path, expected):
    client = plain_http1(table.plain_port)
    assert client.get(path, host=host)[2].decode() == expected


def test_method_and_headers_are_more_specific(table):
    client = plain_http1(table.plain_port)
    client.send("POST /app HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 0\r\n\r\n")
    assert client.response()[2] == b"post"
    assert client.get("/app", headers="X-Beta: yes\r\n")[2] == b"beta"
    assert client.get("/app", headers="X-Beta: no\r\n")[2] == b"app"


def test_fixed_answers_carry_their_status_and_type(table):
    status, headers, body, _ = plain_http1(table.plain_port).get("/teapot", host="x.test")
    assert (status, headers["content-type"], body) == (418, ["application/json"], b"{}")


@pytest.mark.parametrize("host,path,status,location", [
    ("x.test", "/old/page?q=1", 301, r"^(https?://x\.test(:\d+)?)?/new/page\?q=1$"),
    ("x.test", "/away?q=1", 302, r"^https://elsewhere\.example:8443/there\?q=1$"),
])
def test_redirects_say_where(table, host, path, status, location):
    client = plain_http1(table.plain_port)
    got, headers, _, _ = client.get(path, host=host)
    assert got == status and re.match(location, headers["location"][0]), headers["location"]


def test_plain_requests_are_sent_to_https_where_the_route_says(table):
    status, headers, _, _ = plain_http1(table.plain_port).get("/a?b=c", host="secure.example.com")
    assert status == 308 and headers["location"][0].startswith("https://secure.example.com")
    assert headers["location"][0].endswith("/a?b=c")
    assert curl(table, "/a", host="secure.example.com") == "secure"


@pytest.mark.parametrize("path,target", [
    ("/strip", "/"), ("/strip/", "/"), ("/strip/a/b?c=d", "/a/b?c=d"),
    ("/swap", "/echo/inner"), ("/swap/x", "/echo/inner/x"), ("/swap/a%2Fb?c", "/echo/inner/a%2Fb?c"),
])
def test_a_prefix_is_replaced(table, path, target):
    assert curl_json(table, path, "--path-as-is", host="x.test")["target"] == target


def test_headers_are_removed_set_and_added_both_ways(table):
    client = http1(table)
    status, headers, body, _ = client.get("/headers", host="x.test", headers="X-Drop: 1\r\nX-Set: mine\r\nX-Add: first\r\n")
    have = echo_headers(json.loads(body))
    assert "x-drop" not in have and have["x-set"] == ["edge"]
    assert sorted(", ".join(have["x-add"]).split(", ")) == ["first", "more"]
    assert "x-backend" not in headers and headers["strict-transport-security"] == ["max-age=1"]


def test_the_host_is_kept_or_replaced_as_configured(table):
    assert echo_headers(curl_json(table, "/echo", host="x.test"))["host"][0].startswith("x.test")
    assert echo_headers(curl_json(table, "/renamed", host="x.test"))["host"] == ["inner.example"]


def test_no_route_is_404(run_edge, settings):
    edge = run_edge(settings(None, routes=[{"hosts": ["only.example.com"], "respond": {"body": "x"}}]))
    assert curl_status(edge, "/") == 404


# ---- forwarded headers

def test_strangers_cannot_say_where_they_come_from(table):
    answer = curl_json(table, "/echo", "-H", "X-Forwarded-For: 1.2.3.4", "-H", "X-Forwarded-Proto: http", "-H",
                       "X-Forwarded-Host: evil", "-H", "X-Forwarded-Port: 1", "-H", "Forwarded: for=1.2.3.4", "-H",
                       "X-Real-IP: 1.2.3.4", host="x.test")
    have = echo_headers(answer)
    assert have["x-forwarded-for"] == ["127.0.0.1"]
    assert have["x-forwarded-proto"] == ["https"]
    assert have["x-forwarded-host"][0].startswith("x.test")
    assert have["x-forwarded-port"] == [str(table.port)]
    assert "1.2.3.4" not in str(have) and "evil" not in str(have)


def test_trusted_hops_are_believed_and_extended(run_edge, settings, backend):
    edge = run_edge(settings(backend, trusted_proxies=["127.0.0.0/8"]))
    have = echo_headers(curl_json(edge, "/echo", "-H", "X-Forwarded-For: 192.0.2.7", "-H", "X-Forwarded-Proto: http",
                                  "-H", "X-Forwarded-Host: outer.example"))
    assert have["x-forwarded-for"] == ["192.0.2.7, 127.0.0.1"]
    assert have["x-forwarded-proto"] == ["http"] and have["x-forwarded-host"] == ["outer.example"]


def test_forwarded_of_trusted_hops_is_kept_and_extended(run_edge, settings, backend):
    """RFC 7239; a hop that is not trusted is tested above."""
    edge = run_edge(settings(backend, trusted_proxies=["127.0.0.0/8"]))
    have = echo_headers(curl_json(edge, "/echo", "-H", 'Forwarded: for=192.0.2.7;proto=http;host="outer.example"'))
    elements = [element.strip().lower() for element in ", ".join(have["forwarded"]).split(",")]
    assert elements[0] == 'for=192.0.2.7;proto=http;host="outer.example"'
    assert len(elements) == 2 and "for=127.0.0.1" in elements[1].split(";"), elements


def test_request_ids_are_made_kept_and_returned(table):
    made = echo_headers(curl_json(table, "/echo", host="x.test"))["x-request-id"][0]
    again = echo_headers(curl_json(table, "/echo", host="x.test"))["x-request-id"][0]
    assert made != again and len(made) >= 16
    kept = echo_headers(curl_json(table, "/echo", "-H", "X-Request-Id: abc-123", host="x.test"))["x-request-id"]
    assert kept == ["abc-123"]


@pytest.mark.parametrize("bad", ["x" * 500, "a b\"c", "<script>"])
def test_request_ids_that_are_none_are_replaced(table, bad):
    assert echo_headers(curl_json(table, "/echo", "-H", f"X-Request-Id: {bad}", host="x.test"))["x-request-id"] != [bad]
