"""A CA that is down, busy, wrong or unwilling: said in `certs` and `why` in its own words, not asked again too soon, other names
go on, and what is good is served all the while."""

import json
import time

import pytest

from support import faulting_server as faulty
from support.acme_world import eventually_said, managed, said, served, shown
from support.edge import eventually

FOR_EVER = float("inf")


def for_name(name):
    return lambda exchange: name in exchange.names


def quiet(world, operation, seconds=4):
    """Nothing of this kind is asked for so long."""
    before = len(world.faults.asked(operation))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert len(world.faults.asked(operation)) == before, "asked again too soon"
        time.sleep(0.1)


def two_names(world, **more):
    """bad.example.com, and good.example.com beside it."""
    settings = world.settings("bad.example.com", **more)
    settings["certificates"].append({"hosts": ["good.example.com"], "issuer": "ca"})
    return settings


@pytest.mark.parametrize("fault, words", [
    (faulty.rate_limited(3600, times=FOR_EVER, when=for_name("bad.example.com")), "too many certificates already issued"),
    (faulty.rate_limited(3600, as_date=True, times=FOR_EVER, when=for_name("bad.example.com")), "too many certificates already issued"),
    (faulty.rate_limited(3600, status=403, times=FOR_EVER, when=for_name("bad.example.com")), "too many certificates already issued"),
    (faulty.rejected_identifier("bad.example.com", times=FOR_EVER), "forbidden by policy"),
    (faulty.refused("caa", detail="CAA record forbids issuance", times=FOR_EVER, when=for_name("bad.example.com")),
     "CAA record forbids issuance"),
    (faulty.unavailable(600, "newOrder", times=FOR_EVER, when=for_name("bad.example.com")), "503"),
    (faulty.malformed("newOrder", times=FOR_EVER, when=for_name("bad.example.com")), "bad.example.com"),
], ids=["429-seconds", "429-date", "403-rate-limited", "rejected", "caa", "503", "malformed"])
def test_one_name_fails_and_the_other_is_served(make_world, run_in, fault, words):
    fault.times = FOR_EVER
    world = make_world(faulting=True)
    world.faults.inject(fault)
    edge = run_in(world, two_names(world))
    served(edge, "good.example.com", world.roots())
    eventually_said(edge, words, "why", "bad.example.com")
    assert "bad.example.com" in said(edge, "certs")
    quiet(world, "newOrder")
    assert shown(edge, "bad.example.com") is not None, "the local CA's, meanwhile"
    assert edge.admin("/healthz")[0] == 200


def test_a_restart_does_not_forget_that_the_ca_said_when(make_world, run_in):
    world = make_world(faulting=True)
    world.faults.inject(faulty.rate_limited(3600, times=FOR_EVER))
    edge = run_in(world, world.settings("www.example.com"))
    eventually_said(edge, "too many certificates already issued", "why", "www.example.com")
    for _ in range(2):
        edge.stop()
        edge.start()
        quiet(world, "newOrder", 2)
        assert "too many certificates already issued" in said(edge, "why", "www.example.com")
    assert len(world.faults.asked("newOrder")) == 1


def test_a_name_that_the_ca_blocks_says_so_with_the_ca_s_words(make_world, run_in):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("blocked-domain.example", "fine.example.com"))
    eventually_said(edge, "rejectedIdentifier", "why", "blocked-domain.example")
    assert len(world.faults.asked("newOrder")) == 1


def test_a_failed_challenge_says_what_the_ca_found(make_world, run_in):
    world = make_world(faulting=True)
    # Nobody listens where the CA looks, and pre-flight is told to let that pass.
    edge = run_in(world, world.settings("www.example.com", issuer=world.issuer(preflight="off")), elsewhere=True)
    said_by_ca = eventually(lambda: "connection" in said(edge, "why", "www.example.com") and said(edge, "why", "www.example.com"), 30)
    assert "http-01" in said_by_ca
    quiet(world, "newOrder")
    assert len(world.faults.orders()) == 1


def test_the_pre_flight_finds_it_first_and_the_ca_is_not_asked(make_world, run_in):
    world = make_world(faulting=True)
    settings = world.settings("good.example.com")
    world.challtestsrv.tell("add-caa", host="good.example.com.", policies=[{"tag": "issue", "value": "other-ca.example"}])
    settings["certificates"].append({"hosts": ["fine.example.com"], "issuer": "ca"})
    edge = run_in(world, settings)
    served(edge, "fine.example.com", world.roots())
    eventually_said(edge, "CAA", "why", "good.example.com")
    assert not world.faults.orders("good.example.com")
    world.challtestsrv.tell("clear-caa", host="good.example.com.")
    edge.command("renew", "good.example.com", check=0)
    served(edge, "good.example.com", world.roots())


def test_a_pre_flight_that_only_warns_goes_ahead(make_world, run_in):
    world = make_world(faulting=True)
    world.challtestsrv.tell("add-caa", host="www.example.com.", policies=[{"tag": "issue", "value": "other-ca.example"}])
    edge = run_in(world, world.settings("www.example.com", issuer=world.issuer(preflight="warn")))
    served(edge, "www.example.com", world.roots())  # pebble does not look at CAA


def test_the_last_good_one_is_served_while_renewals_fail(make_world, run_in):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("www.example.com"))
    roots = world.roots()
    first = served(edge, "www.example.com", roots)
    world.faults.inject(faulty.refused("serverInternal", status=500, detail="out of order", times=FOR_EVER))
    edge.command("renew", "www.example.com", check=0)
    eventually_said(edge, "out of order", "why", "www.example.com")
    assert shown(edge, "www.example.com", roots) == first
    edge.stop()
    edge.start()
    assert shown(edge, "www.example.com", roots) == first
    world.faults.withdraw()
    edge.command("renew", "www.example.com", check=0)
    eventually(lambda: shown(edge, "www.example.com", roots) != first, 30)


def test_a_ca_that_is_down_is_asked_when_it_is_back_and_told_to(make_world, run_in):
    world = make_world(faulting=True)
    world.pebble.stop()
    edge = run_in(world, world.settings("www.example.com"))
    eventually(lambda: world.faults.log, 20)
    assert shown(edge, "www.example.com") is not None
    eventually(lambda: "www.example.com" in said(edge, "certs"), 10)
    asked = len(world.faults.log)
    time.sleep(3)
    assert len(world.faults.log) - asked <= 4, "no storm while it is down"
    world.pebble.start()
    edge.command("renew", "www.example.com", check=0)
    served(edge, "www.example.com", world.roots())


@pytest.mark.parametrize("operation", ["directory", "newNonce", "newAccount", "authorization", "challenge", "order", "finalize",
                                       "certificate"])
@pytest.mark.parametrize("fault", [faulty.lost_answer, faulty.lost_request], ids=["lost-answer", "lost-request"])
def test_a_lost_message_costs_no_second_certificate(make_world, run_in, operation, fault):
    world = make_world(faulting=True)
    world.faults.inject(fault(operation))
    edge = run_in(world, world.settings("www.example.com"))
    roots = world.roots()
    eventually(lambda: any(e.fault for e in world.faults.seen(operation)), 20, f"{operation} is asked")
    def end():
        state = managed(edge, "www.example.com").get("state")
        return state if state in ("issued", "failed") else None

    state = eventually(end, 40, "an end of the first attempt")
    if state == "failed":
        # It waits a minute; here somebody is in a hurry. What succeeded, however late, is not renewed for that.
        edge.command("renew", "www.example.com", check=0)
    served(edge, "www.example.com", roots, 40)
    assert len(world.faults.seen("finalize", accepted=True)) == 1, "one certificate was paid for, and that one is served"
    assert len(world.faults.orders()) == 1


def test_an_order_that_ends_invalid_is_given_up_and_made_anew(make_world, run_in):
    world = make_world(faulting=True)
    world.faults.inject(faulty.invalid_order(times=1, skip=0))
    edge = run_in(world, world.settings("www.example.com"))
    eventually(lambda: any(e.fault for e in world.faults.seen("order")), 20)
    eventually_said(edge, "the order is lost", "why", "www.example.com")
    quiet(world, "newOrder", 2)
    edge.command("renew", "www.example.com", check=0)
    served(edge, "www.example.com", world.roots())
    assert len(world.faults.orders()) == 2


def test_slow_answers_are_waited_for(make_world, run_in):
    world = make_world(faulting=True)
    world.faults.inject(faulty.slow("newOrder", 3), faulty.slow("finalize", 3))
    edge = run_in(world, world.settings("www.example.com"))
    served(edge, "www.example.com", world.roots())
    assert len(world.faults.asked("newOrder")) == 1 and len(world.faults.asked("finalize")) == 1


def test_a_second_ca_is_asked_after_the_limit_of_the_first(make_world, run_in):
    world = make_world(faulting=True)
    second = world.second_ca()
    world.faults.inject(faulty.rate_limited(7200, times=FOR_EVER))
    settings = world.settings("www.example.com", issuer=world.issuer(fallback="second"))
    settings["issuers"]["second"] = world.issuer(ca=second)
    edge = run_in(world, settings)
    leaf = served(edge, "www.example.com", world.roots(ca=second))
    assert second.issued(leaf) == "Valid" and world.pebble.issued(leaf) is None
    assert not world.faults.orders()
    eventually_said(edge, "second", "why", "www.example.com")


def test_metrics_count_what_became_of_it(make_world, run_in):
    world = make_world(faulting=True)
    world.faults.inject(faulty.rejected_identifier("bad.example.com", times=FOR_EVER))
    edge = run_in(world, two_names(world))
    served(edge, "good.example.com", world.roots())
    eventually_said(edge, "forbidden by policy", "why", "bad.example.com")

    def ready(name):
        return [v for have, v in edge.metrics()["certmanager_certificate_ready_status"]
                if name in have.values() and have.get("condition") == "True"]
    eventually(lambda: ready("good.example.com") == [1] and ready("bad.example.com") == [0])
    expiry = edge.metrics()["certmanager_certificate_expiration_timestamp_seconds"]
    assert any("good.example.com" in have.values() and v > time.time() for have, v in expiry)
    assert "certmanager_certificate_renewal_timestamp_seconds" in edge.metrics()
    assert "rejectedIdentifier" in json.dumps(edge.metrics())
