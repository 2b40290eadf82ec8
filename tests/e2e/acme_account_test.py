"""The account at the CA, and what is done with it by hand: revocation, another key, its end."""

import threading

from support.acme_world import served, shown
from support.edge import eventually


def thumb(exchange):
    return exchange.protected.get("kid")


def test_the_account_is_made_once_and_its_contact_is_changed(make_world, run_in):
    world = make_world(faulting=True)
    settings = world.settings("one.example.com")
    settings["certificates"].append({"hosts": ["two.example.com"], "issuer": "ca"})
    edge = run_in(world, settings)
    roots = world.roots()
    served(edge, "one.example.com", roots)
    served(edge, "two.example.com", roots)
    (made,) = world.faults.seen("newAccount", accepted=True)
    assert made.payload["termsOfServiceAgreed"] is True and made.payload["contact"] == ["mailto:admin@example.com"]
    edge.reload(issuers={"ca": world.issuer(email="other@example.com")})
    edge.command("renew", "one.example.com", check=0)
    changed = eventually(lambda: [e for e in world.faults.seen("account", accepted=True) if e.payload], 30)
    assert changed[-1].payload["contact"] == ["mailto:other@example.com"]
    assert thumb(changed[-1]) == made.headers["Location"]


def test_revoke_tells_the_ca(make_world, run_in):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("www.example.com"))
    leaf = served(edge, "www.example.com", world.roots())
    assert world.pebble.issued(leaf) == "Valid"
    edge.command("revoke", "www.example.com", check=0)
    eventually(lambda: world.pebble.issued(leaf) == "Revoked", 30)
    (told,) = eventually(lambda: world.faults.seen("revokeCert", accepted=True), what="the answer of the CA")
    assert world.faults.orders()[-1].number < told.number, "the new one first"
    assert shown(edge, "www.example.com", world.roots()) != leaf
    assert edge.command("revoke", "nobody.example.com").returncode == 1


def test_the_account_key_is_rolled_over_and_the_account_stays(make_world, run_in):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("www.example.com"))
    roots = world.roots()
    first = served(edge, "www.example.com", roots)
    edge.command("acme", "rollover", "ca", check=0)
    assert len(world.faults.seen("keyChange", accepted=True)) == 1
    edge.stop()
    edge.start()
    edge.command("renew", "www.example.com", check=0)
    eventually(lambda: shown(edge, "www.example.com", roots) != first, 30)
    assert {thumb(e) for e in world.faults.orders()} == \
        {e.headers["Location"] for e in world.faults.seen("newAccount", accepted=True)}
    assert edge.command("acme", "rollover", "nobody").returncode == 1


def test_a_deactivated_account_is_the_end_of_it_and_what_is_there_is_served(make_world, run_in):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("www.example.com"))
    roots = world.roots()
    first = served(edge, "www.example.com", roots)
    edge.command("acme", "deactivate", "ca", check=0)
    assert [e.payload for e in world.faults.seen("account", accepted=True)][-1] == {"status": "deactivated"}
    assert shown(edge, "www.example.com", roots) == first
    edge.stop()
    edge.start()
    assert shown(edge, "www.example.com", roots) == first


def test_a_thousand_who_ask_for_a_renewal_get_one(make_world, run_in):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("www.example.com"))
    roots = world.roots()
    first = served(edge, "www.example.com", roots)
    calls = [threading.Thread(target=edge.admin, args=("/api/certificates/www.example.com/renew", "POST")) for _ in range(20)]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    eventually(lambda: shown(edge, "www.example.com", roots) != first, 30)
    assert len(world.faults.orders()) <= 3
