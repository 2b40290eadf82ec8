"""What is there is kept, and renewed when it is due: never ordered twice, never a failed handshake."""

import datetime
import pathlib
import shutil

import pytest

from support import faulting_server as faulty
from support.acme_world import said, served, shown
from support.edge import eventually
from support.pebble import Looking

PAST = {"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}


def test_a_restart_issues_nothing(make_world, run_in):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("www.example.com"))
    roots = world.roots()
    first = served(edge, "www.example.com", roots)
    for _ in range(3):
        edge.stop()
        edge.start()
        assert shown(edge, "www.example.com", roots) == first, "served from the first handshake on"
    assert len(world.faults.asked("newOrder")) == 1 and len(world.faults.seen("newAccount", accepted=True)) == 1


def test_a_copied_state_directory_issues_nothing(make_world, run_in, tmp_path):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("www.example.com"))
    roots = world.roots()
    first = served(edge, "www.example.com", roots)
    edge.stop()
    shutil.copytree(edge.settings["state_directory"], tmp_path / "copied", copy_function=shutil.copy2)
    other = run_in(world, world.settings("www.example.com", state_directory=str(tmp_path / "copied")))
    assert shown(other, "www.example.com", roots) == first
    assert len(world.faults.asked("newOrder")) == 1 and len(world.faults.asked("newAccount")) == \
        len(world.faults.seen("newAccount", accepted=True))


def test_what_a_file_holds_already_is_not_ordered(make_world, run_in, authority, tmp_path):
    world = make_world(faulting=True)
    certificate, key = authority.issue("www.example.com").write(tmp_path / "files")
    settings = world.settings("www.example.com")
    settings["certificates"] += [{"files": {"certificate": str(certificate), "key": str(key)}},
                                 {"hosts": ["other.example.com"], "issuer": "ca"}]
    edge = run_in(world, settings)
    served(edge, "other.example.com", world.roots())
    assert shown(edge, "www.example.com", authority.write(tmp_path)) is not None
    assert not world.faults.orders("www.example.com")


def test_state_is_for_its_owner_only(make_world, run_in):
    world = make_world()
    edge = run_in(world, world.settings("www.example.com"))
    served(edge, "www.example.com", world.roots())
    edge.stop()  # while it runs, a file that is just being written has another name a moment later
    files = [p for p in pathlib.Path(edge.settings["state_directory"]).rglob("*") if p.is_file()]
    assert files and [p for p in files if p.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("reuse, authorization_reuse", [(False, 0), (True, 100)])
def test_renew_gets_another_certificate_now(make_world, run_in, reuse, authorization_reuse):
    world = make_world(faulting=True, authorization_reuse=authorization_reuse)
    edge = run_in(world, world.settings("www.example.com", certificate={"key": {"reuse": reuse}}))
    roots = world.roots()
    first = served(edge, "www.example.com", roots)
    edge.command("renew", "www.example.com", check=0)
    second = eventually(lambda: (now := shown(edge, "www.example.com", roots)) != first and now, 30)
    assert (first.public_key() == second.public_key()) == reuse
    # RFC 9773 §5: says which certificate it replaces.
    assert "replaces" in world.faults.orders()[1].payload and "replaces" not in world.faults.orders()[0].payload
    assert edge.command("renew", "nobody.example.com").returncode == 1
    assert len(world.faults.orders()) == 2


@pytest.mark.needs_pebble("renewal-info")
def test_a_renewal_that_is_already_replaced_is_ordered_without_saying_so(make_world, run_in):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("www.example.com"))
    roots = world.roots()
    first = served(edge, "www.example.com", roots)
    world.faults.inject(faulty.already_replaced())
    edge.command("renew", "www.example.com", check=0)
    eventually(lambda: shown(edge, "www.example.com", roots) != first, 30)
    refused, made = [e for e in world.faults.asked("newOrder")][-2:]
    assert refused.fault == "alreadyReplaced" and "replaces" in refused.payload
    assert "replaces" not in made.payload and made.status == 201


@pytest.mark.needs_pebble("renewal-info")
def test_the_window_of_the_ca_is_shown_with_its_reason(make_world, run_in):
    world = make_world(faulting=True)
    world.faults.inject(faulty.renewal_window(20, 21, explanation="https://ca.example/why"))
    edge = run_in(world, world.settings("www.example.com"))
    served(edge, "www.example.com", world.roots())
    eventually(lambda: world.faults.seen("renewalInfo"), 20)
    # Some time in the window, chosen once.
    days = [(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=d)).strftime("%Y-%m-%d") for d in (20, 21)]
    eventually(lambda: any(day in said(edge, "certs") + said(edge, "why", "www.example.com") for day in days), 20)
    assert "window" in said(edge, "why", "www.example.com")


@pytest.mark.needs_pebble("renewal-info")
@pytest.mark.parametrize("fault", [
    faulty.renewal_window(3, 1), faulty.renewal_window(-1, -2),
    faulty.malformed("renewalInfo", b"{", times=float("inf")),
    faulty.malformed("renewalInfo", b'{"suggestedWindow": {"start": "soon", "end": 7}}', times=float("inf")),
    faulty.unavailable(3600, "renewalInfo", times=float("inf")),
], ids=["end-before-start", "both-past-and-reversed", "no-json", "no-times", "unavailable"])
def test_a_malformed_window_renews_nothing(make_world, run_in, fault):
    world = make_world(faulting=True)
    world.faults.inject(fault)
    edge = run_in(world, world.settings("www.example.com"))
    roots = world.roots()
    first = served(edge, "www.example.com", roots)
    eventually(lambda: world.faults.seen("renewalInfo"), 20)
    edge.stop()
    edge.start()
    served(edge, "www.example.com", roots)
    assert shown(edge, "www.example.com", roots) == first and len(world.faults.orders()) == 1


@pytest.mark.needs_pebble("renewal-info")
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_window_moved_to_the_past_renews_within_one_poll_and_no_handshake_fails(make_world, run_in):
    world = make_world(faulting=True)
    # A minute is the shortest that Retry-After can make it (RFC 9773 §4.3.2 leaves the bounds to the client).
    world.faults.inject(faulty.poll_renewal_info_every(60))
    edge = run_in(world, world.settings("www.example.com", "api.example.com"))
    roots = world.roots()
    first = served(edge, "www.example.com", roots)
    eventually(lambda: world.faults.seen("renewalInfo"), 20)
    world.pebble.set_renewal_info(first, PAST)
    seen = set()

    def shake():
        leaf = shown(edge, "www.example.com", roots)
        seen.add(leaf and leaf.serial_number)
        return leaf is not None

    clients = [Looking(shake), Looking(shake), Looking(lambda: shown(edge, "api.example.com", roots) is not None)]
    with clients[0], clients[1], clients[2]:
        eventually(lambda: shown(edge, "www.example.com", roots) != first, 90, "the renewed certificate")
        looking = Looking(shake)
        with looking:
            eventually(lambda: looking.asked > 50, 30)
    assert [client.wrong for client in clients] == [[], [], []]
    assert sum(client.asked for client in clients) > 300, "too little load to say anything"
    assert None not in seen and len(seen) == 2, "the old one or the new one, nothing else"
    assert len(world.faults.orders()) == 2
    assert "replaces" in world.faults.orders()[1].payload
