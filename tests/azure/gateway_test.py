"""The stand-in's application gateway is written as a whole, protects nobody from anybody, and shows no key."""

import base64
import json

import pytest
from azure_world.caller import Caller
from azure_world.gateway_schema import VERSION
from cryptography.hazmat.primitives.serialization import pkcs7
from support.edge import eventually


@pytest.fixture
def pair(authority):
    return authority.issue("old.example.test")


@pytest.fixture
def gateway(azure, pair):
    azure.arm.operations.seconds = 0
    return azure.arm.add_gateway(certificates={"theirs": pair})


@pytest.fixture
def call(azure):
    return Caller(azure.arm, azure.ca, azure.token_for("https://management.azure.com"))


def at(gateway, version=VERSION):
    return f"{gateway.id}?api-version={version}"


def element(name, pair, password="word"):
    return {"name": name, "properties": {"data": base64.b64encode(pair.pfx(password.encode())).decode(), "password": password}}


def read(call, gateway, version=VERSION):
    return call("GET", at(gateway, version)).json


def certificates(body):
    return body["properties"]["sslCertificates"]


def write(call, gateway, body, version=VERSION):
    return call("PUT", at(gateway, version), body)


def status_of(call, said):
    return call("GET", said.headers["Azure-AsyncOperation"]).json


def refused(said):
    return said.status, said.json["error"]["code"]


def test_what_was_read_can_be_written_back_with_one_more(azure, call, gateway, pair, authority):
    ours = authority.issue("new.example.test")
    body = read(call, gateway)
    certificates(body).append(element("ours", ours))
    azure.arm.operations.gate.clear()
    said = write(call, gateway, body)
    assert (said.status, said.json["properties"]["provisioningState"], said.headers["Retry-After"]) == (200, "Updating", "1")
    assert status_of(call, said)["status"] == "InProgress" and gateway.leaf("ours") is None
    azure.arm.operations.gate.set()
    eventually(lambda: status_of(call, said)["status"] == "Succeeded")
    assert (gateway.leaf("ours"), gateway.leaf("theirs")) == (ours.leaf, pair.leaf)
    shown = {each["name"]: each["properties"] for each in certificates(read(call, gateway))}
    assert all(each.keys() == {"publicCertData", "provisioningState"} for each in shown.values())
    chain = pkcs7.load_der_pkcs7_certificates(base64.b64decode(shown["ours"]["publicCertData"]))
    assert set(chain) == {ours.leaf, *ours.intermediates}


def test_what_was_read_long_ago_is_taken_too(call, gateway, authority):
    old = read(call, gateway)
    body = read(call, gateway)
    certificates(body).append(element("ours", authority.issue("new.example.test")))
    write(call, gateway, body)
    write(call, gateway, old)
    assert [each["name"] for each in certificates(read(call, gateway))] == ["theirs"]


def test_a_second_write_supersedes_the_first(azure, call, gateway):
    azure.arm.operations.gate.clear()
    first = write(call, gateway, read(call, gateway))
    second = write(call, gateway, read(call, gateway))
    azure.arm.operations.gate.set()
    canceled = status_of(call, first)
    assert (canceled["status"], canceled["error"]["code"]) == ("Canceled", "CanceledAndSupersededDueToAnotherOperation")
    assert status_of(call, second)["status"] == "Succeeded"


def test_a_second_write_may_be_refused(azure, call, gateway):
    gateway.when_busy = "refuse"
    azure.arm.operations.gate.clear()
    write(call, gateway, read(call, gateway))
    assert refused(write(call, gateway, read(call, gateway))) == (429, "RetryableError")
    azure.arm.operations.gate.set()
    assert write(call, gateway, read(call, gateway)).status == 200


def test_an_operation_may_fail_or_be_cancelled(call, gateway):
    gateway.fail_operation_next("ApplicationGatewayUpdateFailed")
    found = status_of(call, write(call, gateway, read(call, gateway)))
    assert (found["status"], found["error"]["code"]) == ("Failed", "ApplicationGatewayUpdateFailed")
    assert read(call, gateway)["properties"]["provisioningState"] == "Failed"
    gateway.cancel_operation_next()
    assert status_of(call, write(call, gateway, read(call, gateway)))["status"] == "Canceled"


def test_a_write_starts_a_stopped_gateway(call, gateway):
    gateway.stop()
    assert read(call, gateway)["properties"]["operationalState"] == "Stopped"
    write(call, gateway, read(call, gateway))
    assert gateway.running and gateway.starts == 1


@pytest.mark.parametrize("broken, code", [
    ({"data": "no PFX", "password": "word"}, "ApplicationGatewaySslCertificateInvalidData"),
    ({"data": base64.b64encode(b"x" * 16385).decode(), "password": "word"}, "ApplicationGatewaySslCertificateTooLarge"),
    ({}, "ApplicationGatewaySslCertificateMissingData"),
    ({"keyVaultSecretId": "https://my-vault.vault.azure.net/secrets/none"}, "ApplicationGatewayKeyVaultSecretException"),
])
def test_a_certificate_that_is_none_is_refused_and_nothing_changed(call, gateway, broken, code):
    body = read(call, gateway)
    certificates(body).append({"name": "ours", "properties": broken})
    assert refused(write(call, gateway, body)) == (400, code)
    assert gateway.names == ["theirs"] and gateway.writes == []


def test_a_password_is_needed(call, gateway, pair):
    body = read(call, gateway)
    certificates(body).append(element("ours", pair))
    certificates(body)[-1]["properties"]["password"] = ""
    assert refused(write(call, gateway, body)) == (400, "ApplicationGatewaySslCertificateInvalidData")


def test_a_gateway_has_at_most_a_hundred_certificates(call, gateway, pair):
    body = read(call, gateway)
    more = element("x", pair)
    certificates(body).extend({**more, "name": f"x{number}"} for number in range(100))
    assert refused(write(call, gateway, body)) == (400, "ApplicationGatewaySslCertificateLimitReached")


def test_a_listener_may_not_name_what_is_not_there(call, gateway):
    body = read(call, gateway)
    body["properties"]["httpListeners"][0]["properties"]["sslCertificate"] = {"id": f"{gateway.id}/sslCertificates/none"}
    assert refused(write(call, gateway, body)) == (400, "InvalidResourceReference")


def test_a_certificate_by_key_vault_is_read_then_and_when_it_polls(azure, call, gateway, pair, authority):
    azure.vault.add_certificate("site", pair)
    body = read(call, gateway)
    certificates(body).append({"name": "ours", "properties": {
        "keyVaultSecretId": "https://my-vault.vault.azure.net/secrets/site"}})
    status_of(call, write(call, gateway, body))
    renewed = authority.issue("old.example.test")
    azure.vault.add_certificate("site", renewed)
    assert gateway.leaf("ours") == pair.leaf
    gateway.poll_key_vault()
    assert gateway.leaf("ours") == renewed.leaf


def test_an_old_version_hides_and_loses_what_it_does_not_know(call, gateway):
    body = read(call, gateway)
    body["properties"]["loadDistributionPolicies"] = [
        {"name": "weights", "properties": {"loadDistributionAlgorithm": "RoundRobin"}}]
    body["properties"]["ofTomorrow"] = {"deep": [1, {"x": None}]}
    assert write(call, gateway, body).status == 200
    assert read(call, gateway)["properties"]["ofTomorrow"] == {"deep": [1, {"x": None}]}
    through_old = read(call, gateway, "2021-02-01")
    assert not {"loadDistributionPolicies", "ofTomorrow"} & through_old["properties"].keys()
    write(call, gateway, through_old, "2021-02-01")
    assert not {"loadDistributionPolicies", "ofTomorrow"} & read(call, gateway)["properties"].keys()


def test_a_condition_on_a_write_is_noticed_for_there_is_none(azure, call, gateway):
    call("PUT", at(gateway), read(call, gateway), headers={"If-Match": "*"})
    assert "has the header if-match" in azure.journal.forgive()[0]


def test_a_body_that_is_no_gateway_of_its_version_is_noticed(azure, call, gateway):
    body = read(call, gateway)
    body["properties"]["sku"]["tier"] = "Gold"
    call("PUT", at(gateway), json.dumps(body))
    assert any("is no gateway of 2025-07-01" in each for each in azure.journal.forgive())
    body = read(call, gateway, "2021-02-01")
    body["properties"]["httpListeners"][0]["properties"]["hostname"] = "x"
    call("PUT", at(gateway, "2021-02-01"), body)
    assert any("'hostname' was unexpected" in each for each in azure.journal.forgive())
