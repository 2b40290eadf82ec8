"""A thousand names: the queue of orders is bounded, the account's limit is kept, progress is seen, and memory stays flat."""

import os
import threading
import time

import pytest

from support.acme_world import said, shown
from support.edge import eventually

NAMES = int(os.environ.get("SEKISHO_MANY_NAMES", "1000"))
LIMIT = 250  # orders of an account in three hours: below what CAs allow


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_a_thousand_names_are_ordered_a_few_at_a_time_and_never_beyond_the_limit(make_world, run_in):
    world = make_world(faulting=True, always_valid=True, retry_after=0, nonce_rejection=0)
    settings = world.settings(issuer=world.issuer(preflight="off", renewal_info=False))
    settings["certificates"] = [{"hosts": [f"n{i}.example.com"], "issuer": "ca"} for i in range(NAMES)]
    edge = run_in(world, settings)
    roots = world.roots()
    before = edge.memory()
    expected = min(NAMES, LIMIT)
    most, end = 0, threading.Event()

    def under_way():
        nonlocal most
        while not end.is_set():
            open_orders = len(world.faults.orders()) - len(world.faults.seen("certificate", accepted=True))
            most = max(most, open_orders)
            time.sleep(0.05)

    watching = threading.Thread(target=under_way, daemon=True)
    watching.start()
    eventually(lambda: len(world.faults.seen("certificate", accepted=True)) > 20, 120)
    begun = time.monotonic()
    table = said(edge, "certs")
    assert time.monotonic() - begun < 5, "it answers while it works"
    assert f"n{NAMES - 1}.example.com" in table, "those that wait are shown"
    eventually(lambda: len(world.faults.seen("certificate", accepted=True)) >= expected, 600)
    time.sleep(3)
    end.set()
    watching.join()
    assert len(world.faults.orders()) == expected
    assert most <= 10, "eight at a time"
    grown = edge.memory() - before
    print(f"{expected} of {NAMES} issued; {most} at a time; {grown / 2**20:.1f} MiB more than before")
    assert grown < 64 * 2**20
    issued = {e.names[0] for e in world.faults.orders()}
    assert shown(edge, next(iter(issued)), roots) is not None
    if NAMES > LIMIT:
        waits = next(name for i in range(NAMES) if (name := f"n{i}.example.com") not in issued)
        assert "250" in said(edge, "why", waits), "why it waits"
