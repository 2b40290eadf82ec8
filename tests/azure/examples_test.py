"""The published examples replay against the stand-in as they are, and it answers each with a status that the example has."""

import base64
import json
import urllib.parse

import pytest
from azure_world import dns_requests, gateway_requests, schemas, vault_requests
from azure_world.caller import Caller
from azure_world.dns_zones import RecordSet
from azure_world.openapi import Document

VAULTS = Document("keyvault-7.2", "certificates.json", "secrets.json")
ZONES = Document("dns-2018-05-01", "dns.json")
GATEWAYS = Document("network-2021-02-01", "applicationGateway.json")
ARM = "https://management.azure.com"


def described(document, folder, done):
    """The examples of the operations that the stand-in does; those that are not kept here are of kinds that it has not."""
    paths = [(operation, schemas.DATA / folder / "examples" / reference.rpartition("/")[2].rstrip("#"))
             for operation in document.operations if operation.id in done for reference in operation.examples]
    return [pytest.param(operation, json.loads(path.read_text()), id=path.stem) for operation, path in paths if path.exists()]


def asked(operation, values):
    """Method, target and body of an example."""
    path = operation.template
    query, body = {}, None
    for parameter in operation.parameters:
        name = parameter["name"]
        if name not in values:
            continue
        if parameter["in"] == "path":
            path = path.replace("{" + name + "}", urllib.parse.quote(str(values[name])))
        elif parameter["in"] == "query":
            query[name] = values[name]
        elif parameter["in"] == "body":
            body = values[name]
    return operation.method, f"{path}?{urllib.parse.urlencode(query)}", body


@pytest.fixture
def example_vault(azure, authority):
    """myvault.vault.azure.net, with what its examples speak of."""
    vault = azure.key_vault.vault("myvault")
    certificates = {"selfSignedCert01", "updateCert01", "listVersionsCert01", "listCert01"}

    def prepare(operation, values):
        name = values.get("certificate-name") or values.get("secret-name")
        if operation.id in ("ImportCertificate", "SetSecret") or name is None:
            for each in certificates:
                vault.add_certificate(each, authority.issue("a.example.test"))
            return vault
        if "certificate-name" in values:
            vault.add_certificate(name, authority.issue("a.example.test"))
        else:
            vault.add_secret(name, "value")
        vault.secrets[name].newest.id = values.get("certificate-version") or values.get("secret-version") or "0" * 32
        if "Deleted" in operation.id:
            vault.soft_delete(name)
        return vault
    return prepare


@pytest.mark.parametrize("operation, example", described(VAULTS, "keyvault-7.2", vault_requests.HANDLERS))
def test_an_example_of_key_vault_replays(azure, authority, example_vault, operation, example):
    values = example["parameters"]
    if values.get("certificate-version") == "pending":  # which is the path of another operation; the answer shows what is meant
        values = {**values, "certificate-version": example["responses"]["200"]["body"]["id"].rsplit("/", 1)[1]}
    example_vault(operation, values)
    method, target, body = asked(operation, values)
    if body and body.get("value") == "<value>":  # the example leaves the certificate itself out
        body = {**body, "value": base64.b64encode(authority.issue("a.example.test").pfx(b"123")).decode()}
    host = urllib.parse.urlsplit(values["vaultBaseUrl"]).netloc
    said = Caller(azure.key_vault, azure.ca, azure.token_for("https://vault.azure.net"), host)(method, target, body)
    assert str(said.status) in example["responses"], said.content
    expected = example["responses"][str(said.status)].get("body")
    if expected is not None:
        assert said.json.keys() <= expected.keys() | {"tags", "contentType", "kid", "managed", "policy"}
        assert expected.keys() - {"nextLink"} <= said.json.keys() | {"tags", "contentType"}


@pytest.mark.parametrize("operation, example", described(ZONES, "dns-2018-05-01", dns_requests.HANDLERS))
def test_an_example_of_azure_dns_replays(azure, operation, example):
    values = example["parameters"]
    zone = azure.arm.add_zone("zone1", values["subscriptionId"], "rg1")
    if operation.id not in ("RecordSets_CreateOrUpdate", "RecordSets_ListByDnsZone"):
        zone.keep(RecordSet("record1", [["string1", "string2"]], 3600, {"key1": "value1"}))
    method, target, body = asked(operation, values)
    said = Caller(azure.arm, azure.ca, azure.token_for(ARM))(method, target, body)
    assert str(said.status) in example["responses"], said.content
    expected = example["responses"][str(said.status)].get("body")
    if expected and "properties" in expected:
        assert said.json["properties"].get("TXTRecords") == expected["properties"].get("TXTRecords")
        assert said.json["properties"].get("metadata") == expected["properties"].get("metadata")


def filled_in(value, pfx, secret):
    """What the examples leave out is put in: certificates and ids of secrets."""
    if isinstance(value, dict):
        if value.get("keyVaultSecretId"):
            return {**value, "keyVaultSecretId": secret}
        if "password" in value:
            return {**value, "data": pfx, "password": "word"}
        return {key: filled_in(each, pfx, secret) for key, each in value.items()}
    return [filled_in(each, pfx, secret) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("operation, example", described(GATEWAYS, "network-2021-02-01", gateway_requests.HANDLERS))
def test_an_example_of_the_gateway_replays(azure, authority, operation, example):
    values = dict(example["parameters"])
    pair = authority.issue("gateway.example.test")
    azure.vault.add_certificate("secret", pair)
    if operation.id != "ApplicationGateways_CreateOrUpdate":
        azure.arm.add_gateway("appgw", values["subscriptionId"], "rg1", certificates={"sslcert": pair})
    else:
        secret = f"{azure.key_vault.url}/secrets/secret"
        values["parameters"] = filled_in(values["parameters"], base64.b64encode(pair.pfx(b"word")).decode(), secret)
    method, target, body = asked(operation, values)
    said = Caller(azure.arm, azure.ca, azure.token_for(ARM))(method, target, body)
    assert str(said.status) in example["responses"], said.content
    expected = example["responses"][str(said.status)].get("body")
    if expected and "properties" in expected:
        assert {"provisioningState", "operationalState", "sslCertificates"} <= said.json["properties"].keys()
