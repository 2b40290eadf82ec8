"""The binary gets a wildcard by DNS-01 in Azure DNS, from a CA that asks the name server of the zone."""

import pytest
from azure_world.arm import GROUP, SUBSCRIPTION
from azure_world.dns_zones import RecordSet
from support.acme_world import AcmeWorld, eventually_said, names_of, served
from support.edge import eventually


@pytest.fixture
def zone(azure):
    return azure.arm.add_zone("example.test")


@pytest.fixture
def world(azure, zone, authority, tmp_path):
    made = AcmeWorld(tmp_path / "acme", authority, name_server=azure.name_server)
    yield made
    made.close()


@pytest.fixture
def run(azure, world):
    """run(*hosts) is an edge that wants one certificate for these hosts; ended with the test."""
    edges = []

    def start(*hosts, zone=None, **more):
        dns = {"azure": {"subscription_id": SUBSCRIPTION, "resource_group": GROUP, **({"zone": zone} if zone else {})}}
        issuer = world.issuer(challenge="dns-01", dns=dns)
        edges.append(world.edge(world.settings(*hosts, issuer=issuer, azure=azure.settings, **more)))
        return edges[-1]
    yield start
    for edge in edges:
        edge.kill()


def sets(azure, status=None):
    return azure.journal.asked("RecordSets_CreateOrUpdate", status=status)


def test_apex_and_wildcard_share_a_record_set_that_is_gone_afterwards(azure, world, zone, run):
    theirs = azure.arm.add_zone("other.test")
    edge = run("example.test", "*.example.test")
    found = served(edge, "www.example.test", world.roots())
    assert names_of(found) == ["*.example.test", "example.test"]
    assert max(len(each.request.json["properties"]["TXTRecords"]) for each in sets(azure)) == 2
    assert all({"if-match", "if-none-match"} & each.request.headers.keys() for each in sets(azure))
    eventually(lambda: not zone.sets, 20, "the record set is gone")
    assert theirs.sets == {}


def test_what_others_have_in_the_set_stays(azure, world, zone, run):
    zone.keep(RecordSet("_acme-challenge", [["of another cluster"]], 60))
    edge = run("*.example.test", zone="example.test")
    served(edge, "www.example.test", world.roots())
    eventually(lambda: zone.find("_acme-challenge").values == [["of another cluster"]], 20, "only theirs is left")


def test_a_set_that_somebody_changed_meanwhile_is_read_again(azure, world, zone, run):
    azure.arm.fail_next(412, "PreconditionFailed", operation="RecordSets_CreateOrUpdate", times=2)
    azure.arm.fail_next(429, "TooManyRequests", retry_after=1, operation="RecordSets_CreateOrUpdate", skip=2)
    edge = run("*.example.test")
    served(edge, "www.example.test", world.roots(), patience=60)


def test_slow_name_servers_are_waited_for(azure, world, zone, run):
    azure.name_server.lag = 3
    edge = run("*.example.test")
    served(edge, "www.example.test", world.roots(), patience=60)


def test_a_role_that_is_missing_is_named(azure, world, zone, run):
    azure.arm.denied.add("RecordSets_CreateOrUpdate")
    edge = run("*.example.test")
    eventually_said(edge, "AuthorizationFailed", "why", "www.example.test", patience=30)
