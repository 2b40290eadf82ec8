"""The stand-in's Azure DNS keeps record sets by their etags, and its name server shows them."""

import dns.message
import dns.query
import pytest
from azure_world.caller import Caller
from support.acme_client import AcmeClient
from support.acme_world import AcmeWorld, names_of

V = "api-version=2018-05-01"


@pytest.fixture
def zone(azure):
    return azure.arm.add_zone("example.test")


@pytest.fixture
def call(azure):
    return Caller(azure.arm, azure.ca, azure.token_for("https://management.azure.com"))


def txt(zone, name="_acme-challenge"):
    return f"{zone.id}/TXT/{name}?{V}"


def records(*values, ttl=60):
    return {"properties": {"TTL": ttl, "TXTRecords": [{"value": [value]} for value in values]}}


def shown(azure, name, kind="TXT", how=dns.query.udp):
    answer = how(dns.message.make_query(name, kind), "127.0.0.1", port=azure.name_server.port, timeout=20)
    return sorted(item.to_text().strip('"') for found in answer.answer for item in found)


def refused(said):
    return said.status, said.json["error"]["code"]


def test_a_set_is_made_once_and_changed_only_by_who_has_read_it(call, zone):
    only_new = {"If-None-Match": "*"}
    made = call("PUT", txt(zone), records("one"), headers=only_new)
    assert (made.status, made.json["properties"]["TTL"]) == (201, 60)
    assert refused(call("PUT", txt(zone), records("two"), headers=only_new)) == (412, "PreconditionFailed")
    changed = call("PUT", txt(zone), records("one", "two"), headers={"If-Match": made.json["etag"]})
    assert changed.status == 200 and changed.json["etag"] != made.json["etag"]
    assert refused(call("PUT", txt(zone), records("three"), headers={"If-Match": made.json["etag"]}))[0] == 412
    assert refused(call("DELETE", txt(zone), headers={"If-Match": made.json["etag"]}))[0] == 412
    assert call("DELETE", txt(zone), headers={"If-Match": changed.json["etag"]}).status == 200
    assert call("DELETE", txt(zone)).status == 204


def test_a_put_without_a_condition_wipes_what_was_there(call, zone):
    call("PUT", txt(zone), records("theirs"))
    call("PUT", txt(zone), records("ours"))
    assert call("GET", txt(zone)).json["properties"]["TXTRecords"] == [{"value": ["ours"]}]


def test_what_is_not_there_is_not_found(call, zone):
    assert refused(call("GET", txt(zone))) == (404, "NotFound")
    assert refused(call("GET", txt(zone).replace("example.test", "other.test"))) == (404, "ResourceNotFound")


@pytest.mark.parametrize("values, status", [
    ([str(number) for number in range(20)], 201), ([str(number) for number in range(21)], 400), (["x" * 255], 201),
    (["x" * 256], 400), ([], 400), (["same", "same"], 400), ([f"{number:0250}" for number in range(17)], 400)])
def test_a_set_has_limits(call, zone, values, status):
    assert call("PUT", txt(zone), records(*values)).status == status


def test_zones_are_listed_a_page_at_a_time(azure, call, zone):
    for number in range(4):
        azure.arm.add_zone(f"zone{number}.test")
    azure.arm.page_size = 2
    target, found = f"/subscriptions/{zone.subscription}/providers/Microsoft.Network/dnszones?{V}", []
    while target:
        page = call("GET", target).json
        found += [each["name"] for each in page["value"]]
        target = page.get("nextLink")
    assert found == ["example.test", "zone0.test", "zone1.test", "zone2.test", "zone3.test"]


@pytest.mark.parametrize("how", [dns.query.udp, dns.query.tcp])
def test_the_name_server_shows_what_is_there(azure, call, zone, how):
    call("PUT", txt(zone), records("one", "two"))
    call("PUT", txt(zone, "@"), records("apex"))
    assert shown(azure, "_ACME-challenge.example.test", how=how) == ["one", "two"]
    assert shown(azure, "example.test", how=how) == ["apex"]
    assert shown(azure, "nothing.example.test", how=how) == []
    assert shown(azure, "www.example.test", "A", how=how) == ["127.0.0.1"]
    call("DELETE", txt(zone))
    assert shown(azure, "_acme-challenge.example.test", how=how) == []


def test_the_name_server_may_be_behind(azure, call, zone):
    azure.name_server.lag = 3600
    call("PUT", txt(zone), records("one"))
    assert shown(azure, "_acme-challenge.example.test") == []
    azure.name_server.lag = 0
    assert shown(azure, "_acme-challenge.example.test") == ["one"]


def test_the_name_server_follows_an_alias_to_another_zone(azure, call, zone):
    other = azure.arm.add_zone("validation.test")
    zone.aliases["_acme-challenge"] = "here.validation.test"
    call("PUT", txt(other, "here"), records("one"))
    assert shown(azure, "_acme-challenge.example.test") == ["here.validation.test.", "one"]


def test_who_has_no_role_is_told_so(azure, call, zone):
    azure.arm.denied.add("RecordSets_CreateOrUpdate")
    assert refused(call("PUT", txt(zone), records("one"))) == (403, "AuthorizationFailed")
    call.token = azure.token_for("https://vault.azure.net")
    assert refused(call("GET", txt(zone))) == (401, "InvalidAuthenticationTokenAudience")
    assert "shows a token for" in azure.journal.forgive()[0]


@pytest.mark.parametrize("method, target, body, headers, text", [
    ("PUT", "", {"properties": {"ttl": 60}}, {}, "'ttl' was unexpected"),
    ("PUT", "", {"properties": {"TTL": 60, "TXTRecords": [{"value": "one"}]}}, {}, "is not of type 'array'"),
    ("PUT", "", {"properties": {"TTL": 60, "provisioningState": "Succeeded"}}, {}, "provisioningState"),
    ("GET", "&$top=x", None, {}, "the query parameter $top"),
    ("GET", "", None, {"If-None-Match": "*"}, "has the header if-none-match"),
])
def test_a_request_that_the_document_does_not_allow_is_noticed(azure, call, zone, method, target, body, headers, text):
    call(method, txt(zone) + target, body, headers=headers)
    found = azure.journal.forgive()
    assert any(text in each for each in found), found


def test_a_ca_finds_what_was_put(azure, call, zone, authority, tmp_path):
    world = AcmeWorld(tmp_path / "acme", authority, name_server=azure.name_server)
    try:
        client = AcmeClient(world.pebble.directory, world.pebble.trust).register()
        values = []

        def solve(_name, token):
            values.append(client.digest(token))
            call("PUT", txt(zone), records(*values))
        chain = client.obtain(["example.test", "*.example.test"], "dns-01", solve)
        assert names_of(chain[0]) == ["*.example.test", "example.test"] and len(values) == 2
    finally:
        world.close()
