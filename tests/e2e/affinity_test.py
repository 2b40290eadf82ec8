"""Sticky sessions: a client comes back to the endpoint that it had, by a cookie that says nothing of it."""

import json
import re

from support.client import curl, http1, http2
from support.edge import eventually


def sticky(settings, *endpoints, cookie=None, **more):
    backend = {"endpoints": [endpoint.address for endpoint in endpoints], "affinity": {"cookie": cookie or {}}, **more}
    return settings(None, workers=1, routes=[{"backend": "app"}], backends={"app": backend})


def ask(edge, cookie=None, path="/echo"):
    """The endpoint that has answered, and the cookie that was set, if one was."""
    status, headers, body, *_ = http1(edge).get(path, headers=f"Cookie: {cookie}\r\n" if cookie else "")
    assert status == 200
    values = headers.get("set-cookie", [])
    assert len(values) <= 1
    return json.loads(body)["backend"], values[0] if values else None


def pair(set_cookie):
    return set_cookie.split(";")[0]


def test_a_cookie_leads_back_and_is_set_once(run_edge, settings, make_backend):
    backends = [make_backend(name) for name in "abc"]
    edge = run_edge(sticky(settings, *backends))
    reached = set()
    for _ in range(6):
        name, cookie = ask(edge)
        reached.add(name)
        assert re.fullmatch(r"sekisho_affinity=[\w-]{22}; Path=/; HttpOnly; SameSite=Lax; Secure", cookie)
        assert all(server.address not in cookie and str(server.port) not in cookie for server in backends)
        for _ in range(4):
            assert ask(edge, f"other=1; {pair(cookie)}") == (name, None)
    assert reached == {"a", "b", "c"}, "clients without a cookie are spread as ever"


def test_what_a_client_makes_up_leads_nowhere_in_particular(run_edge, settings, make_backend):
    a, b = make_backend("a"), make_backend("b")
    edge = run_edge(sticky(settings, a, b))
    for value in (a.address, "x" * 22, "", "a" * 8000):
        _, cookie = ask(edge, f"sekisho_affinity={value}")
        assert cookie


def test_it_is_kept_over_a_restart_and_a_reload(run_edge, settings, make_backend):
    a, b = make_backend("a"), make_backend("b")
    edge = run_edge(sticky(settings, a, b))
    name, cookie = ask(edge)
    edge.reload(access_log="off")
    assert ask(edge, pair(cookie)) == (name, None)
    edge.stop()
    edge.start()
    assert ask(edge, pair(cookie)) == (name, None)


def test_who_loses_its_endpoint_gets_another_and_a_new_cookie(run_edge, settings, make_backend):
    servers = {"a": make_backend("a"), "b": make_backend("b")}
    edge = run_edge(sticky(settings, *servers.values(), retries={"attempts": 1, "budget_percent": 100},
                           ejection={"consecutive_failures": 1, "duration": "1h"}))
    name, cookie = ask(edge)
    other = "b" if name == "a" else "a"
    servers[name].close()
    moved, fresh = ask(edge, pair(cookie))  # tried there, and again elsewhere
    assert moved == other and fresh and pair(fresh) != pair(cookie)
    assert ask(edge, pair(cookie))[0] == other, "ejected"
    assert ask(edge, pair(fresh)) == (other, None)


def test_an_unhealthy_endpoint_is_left_and_one_that_is_removed(run_edge, settings, make_backend):
    servers = {"a": make_backend("a"), "b": make_backend("b")}
    edge = run_edge(sticky(settings, *servers.values(), health_check={
        "path": "/health", "interval": "100ms", "timeout": "1s", "healthy_after": 1, "unhealthy_after": 1}))
    name, cookie = ask(edge)
    servers[name].healthy = False
    eventually(lambda: ask(edge, pair(cookie))[0] != name, what="the unhealthy one is left")
    servers[name].healthy = True
    eventually(lambda: ask(edge, pair(cookie)) == (name, None), what="it is back")
    other = servers["b" if name == "a" else "a"]
    edge.reload(backends={"app": {"endpoints": [other.address], "affinity": {"cookie": {}}}})
    moved, fresh = ask(edge, pair(cookie))
    assert moved == other.name and fresh


def test_a_full_endpoint_is_passed_over(run_edge, settings, make_backend):
    servers = {"a": make_backend("a"), "b": make_backend("b")}
    edge = run_edge(sticky(settings, *servers.values(), limits={"connections": 1}))
    name, cookie = ask(edge)
    waiting = http1(edge)
    waiting.send(f"GET /gate HTTP/1.1\r\nHost: www.example.com\r\nCookie: {pair(cookie)}\r\n\r\n")
    eventually(lambda: any("gate" in str(request) for request in servers[name].requests))
    moved, fresh = ask(edge, pair(cookie))
    assert moved != name and fresh
    for server in servers.values():
        server.gate.set()
    assert waiting.response()[0] == 200


def test_http2_clients_have_it_too_with_their_cookies_in_pieces(run_edge, settings, make_backend):
    edge = run_edge(sticky(settings, make_backend("a"), make_backend("b"), make_backend("c")))
    client = http2(edge)
    _, headers, body, _ = client.get("/echo")
    name = json.loads(body)["backend"]
    for _ in range(5):
        pieces = [("cookie", "other=1"), ("cookie", pair(headers["set-cookie"]))]
        _, again, body, _ = client.get("/echo", headers=pieces)
        assert json.loads(body)["backend"] == name and "set-cookie" not in again


def test_a_websocket_sets_it_when_it_begins(run_edge, settings, make_backend):
    edge = run_edge(sticky(settings, make_backend("a"), make_backend("b")))
    client = http1(edge)
    client.send("GET /ws HTTP/1.1\r\nHost: www.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    status, headers, *_ = client.head()
    assert status == 101 and headers["set-cookie"][0].startswith("sekisho_affinity=")
    client.close()


def test_the_cookie_is_as_configured(run_edge, settings, make_backend):
    server = make_backend()
    values = sticky(settings, server, cookie={"name": "stay", "max_age": "2h", "same_site": "strict"})
    values["routes"] = [{"path": {"prefix": "/echo"}, "backend": "app"}]
    edge = run_edge(values)
    _, cookie = ask(edge)
    assert re.fullmatch(r"stay=[\w-]{22}; Path=/echo; Max-Age=7200; HttpOnly; SameSite=Strict; Secure", cookie)


def test_without_it_no_cookie_is_set(edge):
    assert "set-cookie" not in curl(edge, "/echo", "-i").lower()
