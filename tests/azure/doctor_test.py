"""What doctor says of Azure: rights on what is written, looked at without writing, and as the configuration is now."""

import json

import pytest
from support.edge import eventually


def findings(edge):
    answer = edge.command("doctor", "--output", "json", check=None)
    return {each["check"]: each for each in json.loads(answer.stdout)}


@pytest.fixture
def gateway(azure, authority):
    return azure.arm.add_gateway(certificates={"theirs": authority.issue("old.example.test")})


def dns(azure, **more):
    zone = azure.arm.add_zone("example.test")
    return {"letsencrypt": {"acme": {
        "directory": "https://127.0.0.1:1/directory", "email": "a@example.test", "agree_to_terms": True, "challenge": "dns-01",
        "dns": {"azure": {"subscription_id": zone.subscription, "resource_group": zone.group, **more}}}}}


@pytest.mark.parametrize("zone", [{}, {"zone": "example.test"}])
def test_doctor_reads_what_is_written_and_says_what_it_cannot_know(azure, gateway, authority, files, run_edge, zone):
    edge = run_edge(certificates=[files(authority.issue("www.example.test"))], issuers=dns(azure, **zone), mirrors=[
        {"key_vault": {"vault": azure.key_vault.url}}, {"application_gateway": {"resource_id": gateway.id}}])
    found = findings(edge)
    for check, role in (("key vault mirror", "Key Vault Certificates Officer"), ("application gateway", "Network Contributor"),
                        ("azure dns", "DNS Zone Contributor")):
        assert found[check]["verdict"] == "good", found[check]
        assert "cannot be known without writing" in found[check]["text"] and role in found[check]["text"]
    assert gateway.writes == [] and not azure.vault.certificates


def test_doctor_names_the_role_that_is_missing(azure, gateway, authority, files, run_edge):
    edge = run_edge(certificates=[files(authority.issue("www.example.test"))], issuers=dns(azure), mirrors=[
        {"key_vault": {"vault": azure.key_vault.url}}, {"application_gateway": {"resource_id": gateway.id, "listeners": ["none"]}}])
    assert "no listener none" in findings(edge)["application gateway"]["text"]
    azure.arm.fail_next(403, "AuthorizationFailed", operation="ApplicationGateways_Get", times=9)
    azure.arm.fail_next(403, "AuthorizationFailed", operation="Zones_ListByResourceGroup", times=9)
    azure.key_vault.fail_next(403, "Forbidden", operation="GetCertificates", times=9)
    found = findings(edge)
    for check, role in (("key vault mirror", "Key Vault Certificates Officer"), ("application gateway", "Network Contributor"),
                        ("azure dns", "Reader on the resource group")):
        assert found[check]["verdict"] == "bad" and role in found[check]["text"], found[check]


def test_doctor_knows_what_a_reload_has_brought(azure, authority, files, run_edge):
    pair = authority.issue("www.example.test")
    azure.vault.add_certificate("site", pair)
    edge = run_edge(certificates=[files(pair)])
    assert edge.command("doctor").returncode == 0, "nothing is issued here, and nothing is in Azure"
    assert findings(edge)["certificates"]["verdict"] == "good"
    edge.write(mirrors=[{"key_vault": {"vault": azure.key_vault.url}}],
               certificates=[{"key_vault": {"vault": azure.key_vault.url, "name": "site"}}])
    eventually(lambda: findings(edge).keys() >= {"identity", "key vault", "key vault mirror"}, what="found")
    eventually(lambda: edge.command("doctor").returncode == 0, what="all is well")
