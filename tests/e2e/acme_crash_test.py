"""kill -9 at every step of an order and at random: neither the account, nor a paid-for certificate, nor the order is lost."""

import os
import random
import time

import pytest

from support import faulting_server as faulty
from support.acme_world import kill_at, served, shown
from support.edge import eventually

KILLS = int(os.environ.get("SEKISHO_KILLS", "50"))
STEPS = ["directory", "newNonce", "newAccount", "newOrder", "authorization", "challenge", "finalize", "order", "certificate"]


def paid(world):
    return world.faults.seen("finalize", accepted=True)


@pytest.mark.parametrize("moment", ["before", "after", "answered"])
@pytest.mark.parametrize("operation", [
    operation if operation in ("newOrder", "finalize", "certificate") else pytest.param(operation, marks=pytest.mark.slow)
    for operation in STEPS])
def test_killed_at_a_step_it_goes_on_where_it_was(make_world, run_in, operation, moment):
    # By DNS-01: the CA may look while nobody is there to answer it.
    world = make_world(zones=("example.test",), faulting=True)
    edge = run_in(world, world.settings("*.example.test", issuer=world.issuer(challenge="dns-01")), start=False)
    kill_at(world, edge, operation, moment)
    edge.start()
    leaf = served(edge, "www.example.test", world.roots(), 40)
    assert world.pebble.issued(leaf) == "Valid"
    assert len(paid(world)) == 1, "one certificate"
    assert len({e.headers.get("Location") for e in world.faults.seen("newAccount", accepted=True)}) == 1, "one account"
    assert len(world.faults.orders()) == 1, "one order, even where its answer was lost: the account knows its orders"
    eventually(lambda: world.bind9.ask("_acme-challenge.example.test") == [], 20, "cleaned up, also after a crash")
    edge.stop()
    edge.start()
    assert shown(edge, "www.example.test", world.roots()) == leaf


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_fifty_times_at_random_each_name_has_one_certificate(make_world, run_in):
    seed = int(os.environ.get("SEKISHO_SEED", random.randrange(1 << 32)))
    print("SEKISHO_SEED =", seed)
    chance = random.Random(seed)
    names = [f"n{i}.example.test" for i in range(4)]
    world = make_world(zones=("example.test",), faulting=True)
    settings = world.settings(names[0], issuer=world.issuer(challenge="dns-01"))
    settings["certificates"] += [{"hosts": [name], "issuer": "ca"} for name in names[1:]]
    # Slower than it is, so that the kills meet every step.
    world.faults.inject(faulty.slow("*", 0.25, times=float("inf")))
    edge = run_in(world, settings, start=False)
    for _ in range(KILLS):
        edge.start(ready=False)
        time.sleep(chance.uniform(0.02, 1.2))
        edge.process.kill()
        edge.process.wait()
    world.faults.withdraw()
    edge.start()
    roots = world.roots()
    for name in names:
        served(edge, name, roots, 90)
    paid_for = len(paid(world))
    print(f"{KILLS} kills: {len(world.faults.orders())} orders, {paid_for} certificates for {len(names)} names")
    assert paid_for == len(names), "one certificate a name"
    # An order whose answer nobody heard is found again in the account's list of orders.
    for name in names:
        assert len(world.faults.orders(name)) == 1, name
    assert len({e.headers.get("Location") for e in world.faults.seen("newAccount", accepted=True)}) == 1
    edge.stop()
    edge.start()
    for name in names:
        served(edge, name, roots)
    assert len(world.faults.orders()) == len(names)
