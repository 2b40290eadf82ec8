"""What sekisho issues arrives in Azure: records in Azure DNS, certificates in Key Vault and on an application gateway."""

import json

import pytest
from azure_world.other_writer import OtherWriter
from cryptography.hazmat.primitives import hashes
from support.acme_world import AcmeWorld
from support.edge import Edge, eventually

PATIENCE = 90  # changes are gathered for some seconds, and an operation takes its time


@pytest.fixture
def issued():
    """A certificate that needs nobody else, for the key type that everything in Azure takes."""
    return {"certificates": [{"hosts": ["www.example.test"], "issuer": "own", "key": "rsa"}],
            "issuers": {"own": {"self_signed": {}}}}


@pytest.fixture
def gateway(azure, authority):
    return azure.arm.add_gateway(certificates={"theirs": authority.issue("old.example.test")})


def certificates(edge):
    return json.loads(edge.admin("/api/certificates")[1])


def served(edge):
    """The fingerprint of what clients are shown."""
    return next(each["sha256"] for each in certificates(edge) if "www.example.test" in each["names"])


def fingerprint(leaf):
    return leaf.fingerprint(hashes.SHA256()).hex() if leaf else None


def mirrored(edge):
    return [mirror for each in certificates(edge) for mirror in each.get("mirrors", [])]


def in_step(edge, count=1):
    there = mirrored(edge)
    return len(there) == count and all(each["in_step"] for each in there)


def test_what_is_issued_is_on_the_gateway(azure, gateway, run_edge, issued):
    before = gateway.shown("2025-07-01")
    edge = run_edge(**issued, mirrors=[{"application_gateway": {"resource_id": gateway.id}}])
    eventually(lambda: in_step(edge), PATIENCE, "mirrored")
    assert fingerprint(gateway.leaf("sekisho-www.example.test")) == served(edge)
    assert gateway.leaf("theirs") is not None and len(gateway.writes) == 1
    after = gateway.shown("2025-07-01")
    assert {key: value for key, value in after["properties"].items() if key != "sslCertificates"} == {
        key: value for key, value in before["properties"].items() if key != "sslCertificates"}
    assert edge.metric("sekisho_mirror_fingerprint_match", certificate="www.example.test") == 1
    assert "application gateway edge-group/edge-gateway" in edge.command("why", "www.example.test").stdout


def test_what_is_issued_is_in_the_vault_and_the_gateway_reads_it_there(azure, gateway, run_edge, issued):
    vault = azure.key_vault.url
    edge = run_edge(**issued, mirrors=[
        {"key_vault": {"vault": vault, "name_prefix": "sekisho-"}},
        {"application_gateway": {"resource_id": gateway.id, "by": "key_vault", "vault": vault}}])
    name = "sekisho-www-example-test"
    eventually(lambda: in_step(edge, 2), PATIENCE, "in both")
    assert fingerprint(gateway.leaf(name)) == served(edge)
    assert len(azure.vault.certificates[name].versions) == 1
    edge.stop()
    edge.start()
    eventually(lambda: in_step(edge, 2), PATIENCE, "found as it is")
    assert len(azure.vault.certificates[name].versions) == 1 and len(gateway.writes) == 1


def test_another_controller_keeps_what_is_its_own(azure, gateway, authority, run_edge, issued):
    with OtherWriter(azure, gateway, authority) as other:
        other.add("one")
        edge = run_edge(**issued, mirrors=[{"application_gateway": {"resource_id": gateway.id}}])
        eventually(lambda: in_step(edge), PATIENCE, "mirrored")
        other.add("two")
        eventually(lambda: other.content and gateway.leaf("sekisho-www.example.test"), PATIENCE, "both there")
    assert other.errors == []


def test_a_wildcard_by_azure_dns(azure, authority, tmp_path):
    zone = azure.arm.add_zone("example.test")
    world = AcmeWorld(tmp_path / "acme", authority, name_server=azure.name_server)
    dns = {"azure": {"subscription_id": zone.subscription, "resource_group": zone.group}, "propagation": {"check": "none"}}
    settings = world.settings("example.test", "*.example.test", issuer=world.issuer(challenge="dns-01", dns=dns))
    edge = Edge(tmp_path / "edge", {"azure": azure.settings, **settings}, ports=(world.tls_port, world.http_port))
    try:
        def issued():
            return any(each.get("managed", {}).get("state") == "issued" for each in certificates(edge))
        eventually(issued, PATIENCE, "issued")
        names = {name for each in certificates(edge) for name in each["names"]}
        assert {"example.test", "*.example.test"} <= names
        eventually(lambda: not zone.sets, PATIENCE, "cleaned up")
        edge.stop()
    finally:
        edge.kill()
        world.close()
