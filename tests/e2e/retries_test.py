"""What is tried again on another endpoint, and what never is."""

import json

import pytest

from support.client import curl, curl_json, curl_status, http1
from support.edge import free_port

BUDGET = {"attempts": 1, "budget_percent": 100}
NEVER_LEFT_OUT = {"consecutive_failures": 0}


def close_after_reading(exchange):
    """A request of which only half has come cannot be sent again: this one has come whole."""
    list(exchange.body())
    return False


@pytest.fixture
def two(run_edge, settings, make_backend):
    """An edge on one worker with a backend that answers no request but closes, and one that is good."""
    bad, good = make_backend("bad"), make_backend("good")
    bad.do_echo = bad.do_upload = close_after_reading
    edge = run_edge(settings(None, workers=1, routes=[{"backend": "app"}], backends={
        "app": {"endpoints": [bad.address, good.address], "retries": BUDGET, "ejection": NEVER_LEFT_OUT}}))
    return edge, bad, good


def retries(edge):
    return edge.metric("sekisho_upstream_retries_total")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_was_never_sent_is_sent_elsewhere_whatever_its_method(run_edge, settings, make_backend, method):
    good = make_backend("good")
    edge = run_edge(settings(None, workers=1, routes=[{"backend": "app"}], backends={
        "app": {"endpoints": [f"127.0.0.1:{free_port()}", good.address], "retries": BUDGET, "ejection": NEVER_LEFT_OUT}}))
    for number in range(6):
        answer = curl_json(edge, f"/echo?{number}", "-X", method, "-d", "order")
        assert (answer["backend"], answer["body"]) == ("good", "order")
    assert len(good.requests) == 6
    assert retries(edge) == edge.metric("sekisho_upstream_failures_total", reason="connect") == 3


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_idempotent_request_is_replayed_with_its_whole_body(two, method):
    edge, bad, good = two
    for number in range(4):
        answer = json.loads(curl(edge, f"/echo?{number}", "-X", method, "-d", "x" * 3000))
        assert (answer["backend"], answer["method"], answer["body"]) == ("good", method, "x" * 3000)
    assert len(bad.requests) == retries(edge) == 2 and len(good.requests) == 4


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_have_been_taken_is_not_sent_twice(two, method):
    edge, bad, good = two
    statuses = [curl_status(edge, f"/echo?{number}", "-X", method, "-d", "order") for number in range(4)]
    assert sorted(statuses) == [200, 200, 502, 502]
    assert len(bad.requests) == len(good.requests) == 2 and retries(edge) == 0


def test_a_body_too_large_to_keep_is_not_replayed(two, tmp_path):
    edge, bad, good = two
    file = tmp_path / "body"
    file.write_bytes(b"x" * (1 << 20))
    statuses = [curl_status(edge, f"/upload?{number}", "-T", str(file)) for number in range(4)]
    assert sorted(statuses) == [200, 200, 502, 502]
    assert len(bad.requests) == len(good.requests) == 2 and retries(edge) == 0


def test_a_response_that_has_begun_is_not_asked_for_again(two):
    edge, bad, good = two
    bad.do_echo = bad.do_cut
    whole = 0
    for number in range(4):
        client = http1(edge)
        client.send(f"GET /echo?{number} HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
        _, headers = client.head()
        whole += len(client.exactly(4)) == 4 and headers["content-length"] != ["1000"]
        client.close()
    assert whole == 2 and len(bad.requests) == len(good.requests) == 2 and retries(edge) == 0


def test_retries_can_be_switched_off(run_edge, settings, make_backend):
    bad, good = make_backend("bad"), make_backend("good")
    bad.do_echo = bad.do_close
    edge = run_edge(settings(None, workers=1, routes=[{"backend": "app"}], backends={
        "app": {"endpoints": [bad.address, good.address], "retries": {"attempts": 0}, "ejection": NEVER_LEFT_OUT}}))
    assert sorted(curl_status(edge, "/echo") for _ in range(4)) == [200, 200, 502, 502]
    assert retries(edge) == 0


def test_retries_over_their_budget_are_counted(run_edge, settings, make_backend):
    a, b = make_backend("a"), make_backend("b")
    edge = run_edge(settings(None, workers=1, routes=[{"backend": "app"}], backends={
        "app": {"endpoints": [a.address, b.address], "retries": {"attempts": 1, "budget_percent": 1},
                "ejection": NEVER_LEFT_OUT}}))
    client = http1(edge)
    for _ in range(30):
        assert client.get("/close")[0] == 502
    made, refused = retries(edge), edge.metric("sekisho_upstream_retries_over_budget_total")
    assert made + refused == 30 and 3 <= made < 10
    assert len(a.requests) + len(b.requests) == 30 + made
