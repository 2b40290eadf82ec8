"""A second opinion: Microsoft's own client libraries work against the stand-in, by the names that Azure has."""

import base64
import socket
import uuid

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.identity import CertificateCredential, ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential
from azure.keyvault.certificates import CertificateClient, CertificatePolicy
from azure.keyvault.secrets import SecretClient
from azure.mgmt.dns import DnsManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure_world.arm import GROUP, SUBSCRIPTION
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from support.authority import rsa_key

SCOPE = "https://vault.azure.net/.default"


@pytest.fixture
def named(azure, monkeypatch):
    """The names of vaults lead here, to the port that ours are at: the library compares a vault's host with the challenge."""
    real = socket.getaddrinfo

    def here(host, port, *rest, **more):
        if str(host).endswith(".vault.azure.net"):
            host, port = "127.0.0.1", azure.key_vault.port
        return real(host, port, *rest, **more)
    monkeypatch.setattr(socket, "getaddrinfo", here)


@pytest.fixture
def common(azure):
    """What each client of the library is told."""
    return {"connection_verify": str(azure.ca), "retry_backoff_factor": 0.05}


@pytest.fixture
def to_entra(azure, common):
    return {"authority": azure.entra.url, "disable_instance_discovery": True, "tenant_id": azure.tenant, "client_id": azure.client,
            **common}


@pytest.fixture
def credential(azure, to_entra):
    return WorkloadIdentityCredential(token_file_path=str(azure.token_file), **to_entra)


@pytest.fixture
def vault_url(azure, named):
    """Of a vault that no other test has: the library remembers challenges for the life of the process."""
    name = f"vault-{uuid.uuid4().hex[:12]}"
    azure.key_vault.default = azure.key_vault.vault(name)
    return f"https://{name}.vault.azure.net"


@pytest.fixture
def vault_clients(vault_url, credential, common):
    options = {"vault_url": vault_url, "credential": credential, "api_version": "7.2", **common}
    return CertificateClient(**options), SecretClient(**options)


@pytest.fixture
def zones(azure, credential, common):
    azure.arm.add_zone("example.test")
    return DnsManagementClient(credential, SUBSCRIPTION, base_url=azure.arm.url, api_version="2018-05-01",
                               credential_scopes=["https://management.azure.com/.default"], **common).record_sets


@pytest.fixture
def gateways(azure, credential, common):
    azure.arm.operations.retry_after = 0
    return NetworkManagementClient(credential, SUBSCRIPTION, base_url=azure.arm.url,
                                   credential_scopes=["https://management.azure.com/.default"], polling_interval=0,
                                   **common).application_gateways


def test_workload_identity(azure, to_entra, credential):
    assert azure.tokens.find(credential.get_token(SCOPE).token).client == azure.client
    azure.project_token(subject="system:serviceaccount:other:other")
    with pytest.raises(ClientAuthenticationError, match="AADSTS70021"):
        WorkloadIdentityCredential(token_file_path=str(azure.token_file), **to_entra).get_token(SCOPE)


def test_certificate_and_secret(azure, authority, to_entra):
    pair = authority.issue("client.example.test", key=rsa_key())
    azure.application.certificates.append(pair.leaf)
    azure.application.secrets.append("word")
    by_certificate = CertificateCredential(certificate_data=pair.key + pair.chain, **to_entra)
    by_secret = ClientSecretCredential(client_secret="word", **to_entra)
    for credential in (by_certificate, by_secret):
        assert azure.tokens.find(credential.get_token(SCOPE).token).client == azure.client


def test_managed_identity(azure, monkeypatch):
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azure.imds.url)
    azure.imds.fail_next(410)
    token = ManagedIdentityCredential(client_id=azure.client, retry_backoff_factor=0.05).get_token(SCOPE).token
    assert azure.tokens.find(token).audience == "https://vault.azure.net"


def test_certificates_of_a_vault(azure, authority, vault_clients):
    certificates, secrets = vault_clients
    azure.vault.empty_pages, azure.vault.page_size = True, 2
    pair = authority.issue("www.example.test")
    policy = CertificatePolicy("Unknown", exportable=True, content_type="application/x-pkcs12")
    made = certificates.import_certificate("site", pair.pfx(b"word"), password="word", policy=policy, tags={"by": "sdk"})
    assert made.properties.tags == {"by": "sdk"}
    for _ in range(4):
        azure.vault.add_certificate("site", pair)
    assert len(list(certificates.list_properties_of_certificate_versions("site"))) == 5
    assert [each.name for each in certificates.list_properties_of_certificates()] == ["site"]
    secret = secrets.get_secret("site", made.properties.version)
    key, leaf, _ = pkcs12.load_key_and_certificates(base64.b64decode(secret.value), None)
    assert leaf == pair.leaf and key is not None and secret.properties.managed
    assert certificates.get_certificate("site").cer == pair.leaf.public_bytes(Encoding.DER)
    with pytest.raises(ResourceNotFoundError, match="CertificateNotFound"):
        certificates.get_certificate("none")


def test_secrets_of_a_vault(azure, vault_clients):
    _, secrets = vault_clients
    azure.key_vault.challenge_with = "scope"
    azure.key_vault.fail_next(429, retry_after=0, when=lambda request: request.bearer)
    assert secrets.set_secret("word", "value", content_type="text/plain").value == "value"
    assert [each.name for each in secrets.list_properties_of_secrets()] == ["word"]
    azure.vault.deny("secrets/get", "ForbiddenByFirewall")
    with pytest.raises(HttpResponseError) as refused:
        secrets.get_secret("word")
    assert (refused.value.status_code, refused.value.error.code) == (403, "Forbidden")
    # The probe went without the value: its body came with the token only.
    probe, *others = azure.journal.asked("SetSecret")
    assert (probe.status, probe.request.body) == (401, b"") and all(each.request.body for each in others)


def test_a_newer_version_of_the_vaults_interface(azure, authority, vault_url, credential, common):
    azure.vault.add_certificate("site", authority.issue("www.example.test"))
    client = CertificateClient(vault_url, credential, api_version="2025-07-01", **common)
    assert client.get_certificate("site").name == "site"


def test_record_sets(azure, zones):
    def put(*values, **more):
        return zones.create_or_update(GROUP, "example.test", "_acme-challenge", "TXT",
                                      {"properties": {"TTL": 60, "TXTRecords": [{"value": [each]} for each in values]}}, **more)
    first = put("one", if_none_match="*")
    assert [each.value for each in zones.get(GROUP, "example.test", "_acme-challenge", "TXT").txt_records] == [["one"]]
    put("one", "two", if_match=first.etag)
    with pytest.raises((HttpResponseError, ResourceModifiedError)) as refused:
        put("three", if_match=first.etag)
    assert refused.value.status_code == 412
    assert [each.name for each in zones.list_by_type(GROUP, "example.test", "TXT")] == ["_acme-challenge"]
    zones.delete(GROUP, "example.test", "_acme-challenge", "TXT")
    with pytest.raises(ResourceNotFoundError):
        zones.get(GROUP, "example.test", "_acme-challenge", "TXT")


def test_a_gateway(azure, authority, gateways):
    pair = authority.issue("www.example.test")
    gateway = azure.arm.add_gateway(certificates={"theirs": authority.issue("their.example.test")})
    found = gateways.get(GROUP, gateway.name)
    found.ssl_certificates.append({"name": "ours", "properties": {
        "data": base64.b64encode(pair.pfx(b"word")).decode(), "password": "word"}})
    done = gateways.begin_create_or_update(GROUP, gateway.name, found).result()
    assert done.provisioning_state == "Succeeded" and gateway.leaf("ours") == pair.leaf
    assert {each.name for each in done.ssl_certificates} == {"theirs", "ours"}
    gateway.fail_operation_next("ApplicationGatewayUpdateFailed")
    with pytest.raises(HttpResponseError, match="ApplicationGatewayUpdateFailed"):
        gateways.begin_create_or_update(GROUP, gateway.name, done).result()
