"""Answers that no service gives and a proxy, a fault or an enemy might: whatever comes, the edge lives on."""

import json
import time

import pytest
from azure_world.arm import GROUP, SUBSCRIPTION
from support import faulting_server as faulty
from support.acme_world import AcmeWorld
from support.edge import eventually

N = 1_500_000
DEEP = b'{"etag":"x","properties":{"TTL":60,"TXTRecords":[],"x":' + b"[" * N + b"]" * N + b"}}"


@pytest.fixture
def acme(authority, tmp_path):
    """acme(**how) is a CA of the test's own."""
    worlds = []

    def make(**how):
        worlds.append(AcmeWorld(tmp_path / f"acme{len(worlds)}", authority, **how))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


def lives_on(edge, seconds=3):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert edge.process.poll() is None, edge.stderr[-2000:]
        time.sleep(0.1)
    assert edge.admin("/healthz")[0] == 200


def has_said_why(edge):
    return any(entry.get("managed", {}).get("problem") for entry in json.loads(edge.admin("/api/certificates")[1]))


@pytest.mark.parametrize("operation, status, content", [
    ("Zones_ListByResourceGroup", 403, b"<html>Acc\xe8s refus\xe9 par le proxy</html>"),
    ("RecordSets_Get", 403, b"<html>Acc\xe8s refus\xe9 par le proxy</html>"),
    ("RecordSets_Get", 200, DEEP),
], ids=["zones in Latin-1", "records in Latin-1", "records nested deep"])
def test_azure_dns(azure, acme, operation, status, content):
    azure.arm.add_zone("example.test")
    garbled = azure.arm.garble_next(content=content, status=status, operation=operation, times=1000)
    world = acme(name_server=azure.name_server)
    issuer = world.issuer(challenge="dns-01", dns={"azure": {"subscription_id": SUBSCRIPTION, "resource_group": GROUP}})
    edge = world.edge(world.settings("*.example.test", issuer=issuer, azure=azure.settings))
    try:
        eventually(lambda: garbled.times < 1000 and has_said_why(edge), 30, "has got the answer")
        lives_on(edge)
    finally:
        edge.kill()


@pytest.mark.parametrize("pad", ["", "x"])
def test_a_ca_whose_words_are_cut(acme, pad):
    world = acme(faulting=True)
    subproblems = [{"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": pad + "\u00e9" * 450} for _ in range(20)]
    world.faults.inject(faulty.refused("rejectedIdentifier", document={"subproblems": subproblems}, times=1000))
    edge = world.edge(world.settings("www.example.test"))
    try:
        eventually(lambda: world.faults.asked("newOrder") and has_said_why(edge), 30)
        lives_on(edge)
    finally:
        edge.kill()
