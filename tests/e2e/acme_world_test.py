"""The world that the ACME tests live in works by itself: pebble, its name servers, and the server that makes things go wrong.
Shown with a small client of the tests' own, so that a failure elsewhere is the edge's."""

import http.client
import ssl
import time

import pytest
from cryptography import x509

from support import faulting_server as faulty
from support.acme_client import AcmeClient, Problem, b64
from support.acme_world import names_of
from support.pebble import SIX_DAYS, ChallTestSrv


@pytest.fixture
def world(make_world):
    return make_world(faulting=True)


def client_of(ca, **options):
    return AcmeClient(ca.directory, ca.trust).register(**options)


def obtain(world, client, *names, **more):
    """By DNS-01, answered by challtestsrv."""
    def solve(name, token):
        world.challtestsrv.tell("set-txt", host=f"_acme-challenge.{name}.", value=client.digest(token))
    return client.obtain(names, "dns-01", solve, **more)


def test_pebble_issues_although_it_rejects_every_fifth_nonce(world):
    chain = obtain(world, client_of(world.faults), "one.example.com", "two.example.com")
    assert names_of(chain[0]) == ["one.example.com", "two.example.com"]
    root = world.pebble.root()
    chain[-1].verify_directly_issued_by(root)
    chain[0].verify_directly_issued_by(chain[1])
    assert len(world.faults.orders("one.example.com", "two.example.com")) == 1
    assert world.pebble.issued(chain[0]) == "Valid"


def test_pebble_looks_for_http_01_where_it_is_told_to(make_world, tmp_path):
    world = make_world()
    answerer = ChallTestSrv(tmp_path / "answerer", http_port=world.http_port)
    try:
        client = client_of(world.pebble)
        chain = client.obtain(["web.example.com"], "http-01", lambda _, token: answerer.tell(
            "add-http01", token=token, content=client.key_authorization(token)))
        assert names_of(chain[0]) == ["web.example.com"]
    finally:
        answerer.stop()


def test_a_wildcard_is_issued_by_an_update_of_bind9(make_world):
    world = make_world(zones=("example.test",))
    client = client_of(world.pebble)
    chain = client.obtain(["*.example.test"], "dns-01", lambda name, token: world.bind9.update(
        "example.test", ("add", "_acme-challenge", 60, "TXT", client.digest(token))))
    assert names_of(chain[0]) == ["*.example.test"]
    assert len(world.bind9.ask("_acme-challenge.example.test")) == 1
    world.bind9.update("example.test", ("delete", "_acme-challenge", "TXT"))
    assert world.bind9.ask("_acme-challenge.example.test") == []
    assert world.bind9.ask("anything.example.test", "A") == ["127.0.0.1"]


def test_bind9_refuses_an_update_that_is_not_signed_with_its_key(make_world):
    bind9 = make_world(zones=("example.test",)).bind9
    bind9.secret = "c2Vla3JldA=="
    with pytest.raises(Exception, match="(?i)tsig|signature|NOTAUTH|key"):
        bind9.update("example.test", ("add", "_acme-challenge", 60, "TXT", "value"))
    assert bind9.ask("_acme-challenge.example.test") == []


def test_pebble_binds_external_accounts_where_it_is_told_to(make_world):
    world = make_world(external_accounts={"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"})
    with pytest.raises(Problem) as refused:
        client_of(world.pebble)
    assert refused.value.type == "externalAccountRequired"
    client_of(world.pebble, external_account=("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"))


@pytest.mark.needs_pebble("profiles")
def test_pebble_has_a_profile_of_six_days_and_other_roots(make_world):
    world = make_world(profiles={"default": 90 * 86400, "shortlived": SIX_DAYS}, alternate_roots=1)
    client = client_of(world.pebble)
    leaf = obtain(world, client, "short.example.com", profile="shortlived")[0]
    lifetime = (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds()
    assert abs(lifetime - SIX_DAYS) < 5
    assert world.pebble.root(0) != world.pebble.root(1)
    with pytest.raises(Problem) as refused:
        client.order("short.example.com", profile="eternal")
    assert refused.value.type == "invalidProfile"


@pytest.mark.needs_pebble("renewal-info")
def test_renewal_information_can_be_moved(world):
    client = client_of(world.faults)
    leaf = obtain(world, client, "window.example.com")[0]
    akid = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    serial = leaf.serial_number
    place = f"{client.directory['renewalInfo']}/{b64(akid)}.{b64(serial.to_bytes(serial.bit_length() // 8 + 1, 'big'))}"
    window = client.get(place)[1]["suggestedWindow"]
    assert window["start"] < window["end"]
    world.pebble.set_renewal_info(leaf, {"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}})
    assert client.get(place)[1]["suggestedWindow"]["start"].startswith("2020-01-01")
    poll = world.faults.inject(faulty.poll_renewal_info_every(61))
    assert client.get(place)[0]["Retry-After"] == "61"
    world.faults.withdraw(poll)
    world.faults.inject(faulty.renewal_window(3, 1, retry_after=90))
    headers, answer = client.get(place)
    assert answer["suggestedWindow"]["end"] < answer["suggestedWindow"]["start"]
    assert headers["Retry-After"] == "90"


def test_faults_come_as_scripted_and_then_everything_passes(world):
    client = client_of(world.faults)
    world.faults.inject(faulty.rate_limited(120), faulty.rate_limited(3600, as_date=True), faulty.unavailable(7, "newOrder"),
                        faulty.rejected_identifier("bad.example.com"))
    with pytest.raises(Problem) as limited:
        client.order("ok.example.com")
    assert (limited.value.type, limited.value.status, limited.value.headers["Retry-After"]) == ("rateLimited", 429, "120")
    with pytest.raises(Problem) as limited:
        client.order("ok.example.com")
    assert limited.value.headers["Retry-After"].endswith("GMT")
    with pytest.raises(ValueError):
        client.order("ok.example.com")  # 503 with HTML
    with pytest.raises(Problem) as rejected:
        client.order("bad.example.com", "ok.example.com")
    assert rejected.value.document["subproblems"][0]["identifier"]["value"] == "bad.example.com"
    assert not world.faults.orders()
    client.order("ok.example.com")
    assert [e.fault for e in world.faults.seen("newOrder") if e.fault] == \
        ["rateLimited", "rateLimited", "503", "rejectedIdentifier"]
    assert len(world.faults.orders("ok.example.com")) == 1


def test_a_lost_answer_is_an_order_that_the_client_does_not_know(world):
    client = client_of(world.faults)
    world.faults.inject(faulty.lost_answer("newOrder"), faulty.lost_request("newOrder"))
    for _ in range(2):
        with pytest.raises((OSError, http.client.HTTPException)):
            client.order("lost.example.com")
    known, unknown = world.faults.seen("newOrder")[-2:]
    assert known.forwarded and not unknown.forwarded
    assert known.protected["url"] == client.directory["newOrder"] and known.names == ["lost.example.com"]


def test_hooks_are_called_at_their_moment(world):
    client = client_of(world.faults)
    heard = []
    world.faults.inject(faulty.call("newOrder", lambda e: heard.append((e.forwarded, e.sent)), "before"),
                        faulty.call("newOrder", lambda e: heard.append((e.forwarded, e.sent)), "after"))
    for _ in range(2):
        with pytest.raises((OSError, http.client.HTTPException)):
            client.order("hook.example.com")
    assert heard == [(False, None), (True, None)]
    world.faults.inject(faulty.slow("newNonce", 0.3))
    begun = time.monotonic()
    client.nonce = None
    obtain(world, client, "hook.example.com")
    assert time.monotonic() - begun > 0.3


def test_orders_can_be_made_invalid_and_answers_malformed(world):
    client = client_of(world.faults)
    world.faults.inject(faulty.invalid_order())
    with pytest.raises(AssertionError, match="invalid"):
        url, _ = client.order("lost.example.com")
        assert client.poll(url, "pending", "invalid")["status"] == "pending", "invalid"
    world.faults.inject(faulty.malformed("newOrder", times=30))
    with pytest.raises(ValueError):
        client.order("lost.example.com")


def test_the_faulting_server_survives_strangers(world):
    raw = ssl.create_default_context(cafile=str(world.faults.trust))
    connection = http.client.HTTPSConnection("127.0.0.1", world.faults.port, context=raw, timeout=10)
    connection.request("POST", "/order-plz", b"no JSON", {"Content-Type": "application/jose+json"})
    assert connection.getresponse().status == 400
    connection.close()
    client_of(world.faults)
