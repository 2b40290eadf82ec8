"""Two processes on one state directory: each certificate is issued once, both serve it, and either answers the CA."""

import pytest

from support import faulting_server as faulty
from support.acme_world import kill_at, served, shown
from support.edge import eventually
from support.pebble import Looking


def two_that_serve(make_world, run_in, tmp_path, **more):
    """A world, two processes on one state directory that serve www.example.com, the CA's roots and the certificate."""
    world = make_world(faulting=True)
    settings = world.settings("www.example.com", state_directory=str(tmp_path / "shared"), **more)
    one = run_in(world, settings)
    two = run_in(world, settings, elsewhere=True)
    roots = world.roots()
    leaf = served(one, "www.example.com", roots)
    served(two, "www.example.com", roots, 60)
    return world, one, two, roots, leaf


def test_two_processes_issue_once_and_both_serve(make_world, run_in, tmp_path):
    world = make_world(faulting=True)
    names = [f"n{i}.example.com" for i in range(4)]
    settings = world.settings(names[0], state_directory=str(tmp_path / "shared"))
    settings["certificates"] += [{"hosts": [name], "issuer": "ca"} for name in names[1:]]
    # The CA only ever reaches the first; what the second orders is proved by the first.
    first = run_in(world, settings)
    second = run_in(world, settings, elsewhere=True)
    roots = world.roots()
    for name in names:
        assert served(first, name, roots) == eventually(lambda n=name: shown(second, n, roots), 60)
        assert len(world.faults.orders(name)) == 1
    assert len({e.headers.get("Location") for e in world.faults.seen("newAccount", accepted=True)}) == 1


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_a_process_that_the_ca_does_not_reach_is_proved_by_the_other(make_world, run_in, tmp_path, challenge):
    world = make_world(faulting=True)
    shared = str(tmp_path / "shared")
    idle = world.settings("idle.example.com", state_directory=shared, issuer=world.issuer(challenge=challenge))
    reached = run_in(world, idle)
    roots = world.roots()
    served(reached, "idle.example.com", roots)
    busy = world.settings("busy.example.com", state_directory=shared, issuer=world.issuer(challenge=challenge))
    other = run_in(world, busy, elsewhere=True)
    served(other, "busy.example.com", roots)
    assert len(world.faults.orders("busy.example.com")) == 1


def test_when_one_is_killed_the_other_goes_on_with_its_order(make_world, run_in, tmp_path):
    world = make_world(zones=("example.test",), faulting=True)
    settings = world.settings("www.example.test", state_directory=str(tmp_path / "shared"),
                              issuer=world.issuer(challenge="dns-01"))
    first = run_in(world, settings, start=False)
    kill_at(world, first, "finalize", "after")
    second = run_in(world, settings, elsewhere=True)
    served(second, "www.example.test", world.roots(), 60)
    assert len(world.faults.orders()) == 1 and len(world.faults.seen("finalize", accepted=True)) == 1


def test_a_renewal_by_one_is_served_by_both(make_world, run_in, tmp_path):
    world, one, two, roots, first = two_that_serve(make_world, run_in, tmp_path)
    two.command("renew", "www.example.com", check=0)
    renewed = eventually(lambda: (now := shown(two, "www.example.com", roots)) != first and now, 60)
    eventually(lambda: shown(one, "www.example.com", roots) == renewed, 90, "the other process serves it too")
    assert len(world.faults.orders()) == 2


def test_a_key_that_others_have_is_served_by_no_process_any_more(make_world, run_in, tmp_path):
    world, one, two, _, leaf = two_that_serve(make_world, run_in, tmp_path, certificate={"until_issued": "refuse"})
    world.faults.inject(faulty.rate_limited(3600, times=9))
    one.command("revoke", "www.example.com", "--reason", "1", check=0)
    assert shown(one, "www.example.com") != leaf
    eventually(lambda: shown(two, "www.example.com") != leaf, 10, "the other process does not serve it either")
    assert world.pebble.issued(leaf) == "Revoked" and world.pebble.revocation_reason(leaf) == 1


def test_a_harmless_revocation_waits_until_the_new_one_is_served(make_world, run_in, tmp_path):
    world, one, two, roots, leaf = two_that_serve(make_world, run_in, tmp_path)
    one.command("revoke", "www.example.com", "--reason", "4", check=0)

    def good():
        return all(shown(edge, "www.example.com", roots) is not None for edge in (one, two))
    with Looking(good, 0.02) as looking:
        eventually(lambda: world.pebble.issued(leaf) == "Revoked", 30)
        for edge in (one, two):
            eventually(lambda e=edge: shown(e, "www.example.com", roots) != leaf, 15)
    assert looking.asked > 5 and looking.wrong == [], "in no moment without a certificate of the CA"
