"""An event of Event Grid is worth a look at the vault, long before the next poll."""

import functools

import pytest
from azure_world.event_grid import CloudSubscription, Subscription
from support.acme_world import shown
from support.edge import eventually

HOST = "www.example.test"


@pytest.mark.parametrize("subscribe", [Subscription, CloudSubscription, functools.partial(CloudSubscription, batch=True)])
def test_an_event_shortens_the_poll(azure, authority, run_edge, subscribe):
    old, new = authority.issue(HOST), authority.issue(HOST)
    azure.vault.add_certificate("site", old, created=1_700_000_000)
    edge = run_edge(certificates=[{"key_vault": {"vault": azure.key_vault.url, "name": "site", "poll": "1h"}}])
    eventually(lambda: shown(edge, HOST).serial_number == old.serial)
    grid = subscribe(edge.admin_port, "/api/events/key-vault")
    assert grid.validate()
    version = azure.vault.add_certificate("site", new, created=1_700_000_001)
    assert grid.new_version(azure.key_vault.url, "site", version) == 200
    eventually(lambda: shown(edge, HOST).serial_number == new.serial, 30)  # ten seconds after the last look at the earliest
