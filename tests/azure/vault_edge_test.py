"""Certificates out of a vault: what is read how often, what doctor says, events. vault_source_test.py has the failures."""

import http.client
import json
import time

import pytest
from azure_world.vault_objects import PEM
from cryptography import x509
from support.client import tls_socket
from support.edge import eventually

NAME = "www.example.com"


def serial(edge, name=NAME):
    with tls_socket(edge.port, name=name) as sock:
        return x509.load_der_x509_certificate(sock.getpeercert(binary_form=True)).serial_number


def source(azure, **more):
    named = {} if {"prefix", "tags"} & set(more) else {"name": "app"}
    return {"key_vault": {"vault": azure.key_vault.url, "poll": "1s", **named, **more}}


@pytest.fixture
def pair(authority):
    return authority.issue(NAME)


@pytest.fixture
def serve(azure, run_edge):
    """serve(**key_vault) is an edge that follows this in the vault."""
    return lambda **more: run_edge(certificates=[source(azure, **more)])


def problem(edge):
    return json.loads(edge.command("certs", "--output", "json", check=0).stdout)[0]["problem"]


def told(edge, beginning):
    """What `certs` says of the certificate, once it begins so."""
    return eventually(lambda: (found := problem(edge)).startswith(beginning) and found, what=beginning)


def test_a_new_version_is_served_within_one_poll_and_read_once(azure, serve, authority, pair):
    azure.vault.add_certificate("app", pair, created=1_700_000_000)
    edge = serve()
    assert serial(edge) == pair.serial
    fresh = authority.issue(NAME)
    azure.vault.add_certificate("app", fresh, PEM, created=1_700_000_001, reverse=True)
    begun = time.monotonic()
    eventually(lambda: serial(edge) == fresh.serial, what="the new version")
    assert time.monotonic() - begun < 3
    polls = edge.metric("sekisho_key_vault_polls_total")
    eventually(lambda: edge.metric("sekisho_key_vault_polls_total") > polls + 1)
    assert len(azure.journal.asked("GetSecret", status=200)) == 2
    assert edge.metric("sekisho_key_vault_versions_total") == 2
    assert len(azure.journal.asked("GetSecrets", status=401)) == 1


def test_what_is_not_exportable_is_told_and_an_older_version_serves(azure, serve, authority, pair):
    azure.vault.add_certificate("app", pair, created=1_700_000_000)
    azure.vault.add_certificate("app", authority.issue(NAME), created=1_700_000_001, exportable=False)
    edge = serve()
    assert "the certificate's policy says" in told(edge, "not exportable: ")
    assert serial(edge) == pair.serial


def test_a_federated_credential_that_does_not_fit_is_told_with_what_our_token_has(azure, serve, pair):
    azure.vault.add_certificate("app", pair)
    azure.entra.separate_codes = True
    azure.project_token(subject="system:serviceaccount:web:other")
    edge = serve()
    assert "`system:serviceaccount:web:other`" in told(edge, "no token: ")
    text = azure.token_file.read_text().strip()
    assert text not in edge.stderr
    doctor = edge.command("doctor")
    assert doctor.returncode == 1 and "system:serviceaccount:web:other" in doctor.stdout
    azure.project_token()
    eventually(lambda: serial(edge) == pair.serial, 40, "the certificate")
    eventually(lambda: edge.command("doctor").returncode == 0, 40, "doctor finds all well")


def test_certificates_by_prefix_tags_and_plain_secrets_out_of_many_pages(azure, run_edge, authority):
    vault = azure.vault
    vault.page_size, vault.empty_pages = 2, True
    pairs = {f"h{i}.example.com": authority.issue(f"h{i}.example.com") for i in range(6)}
    for i, pair in enumerate(pairs.values()):
        vault.add_certificate(f"web-{i}", pair)
    tagged, plain = authority.issue("tagged.example.com"), authority.issue("plain.example.com")
    vault.add_certificate("other", tagged, tags={"served-by": "sekisho"})
    vault.add_certificate("foreign", authority.issue("foreign.example.com"), tags={"served-by": "somebody"})
    vault.add_secret("plain", (plain.chain + plain.key).decode())
    edge = run_edge(certificates=[source(azure, prefix="web-"), source(azure, tags={"served-by": "sekisho"}),
                                  source(azure, name="plain", kind="secret")])
    for name, pair in {**pairs, "tagged.example.com": tagged, "plain.example.com": plain}.items():
        assert serial(edge, name) == pair.serial, name
    assert "foreign.example.com" not in edge.command("certs", check=0).stdout


def test_a_start_without_entra_and_vault_serves_and_finds_them_later(azure, serve, pair):
    azure.vault.add_certificate("app", pair)
    azure.entra.down()
    azure.key_vault.down()
    edge = serve()
    told(edge, "unreachable: ")
    azure.key_vault.up()
    told(edge, "no token: ")
    azure.entra.up()
    eventually(lambda: serial(edge) == pair.serial, 60, "the certificate")


def event(edge, kind, data):
    body = json.dumps([{"id": "1", "topic": "t", "subject": "app", "eventType": kind, "data": data, "dataVersion": "1",
                        "metadataVersion": "1", "eventTime": "2026-11-22T00:00:00Z"}])
    connection = http.client.HTTPConnection("127.0.0.1", edge.admin_port, timeout=20)
    connection.request("POST", "/api/events/key-vault", body, {"Content-Type": "application/json", "aeg-event-type": "Notification"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_an_event_of_event_grid_shortens_the_poll(azure, serve, authority, pair):
    azure.vault.add_certificate("app", pair, created=1_700_000_000)
    edge = serve(poll="1h")
    fresh = authority.issue(NAME)
    version = azure.vault.add_certificate("app", fresh, created=1_700_000_001)
    assert event(edge, "Microsoft.EventGrid.SubscriptionValidationEvent", {"validationCode": "512d"}) == (
        200, {"validationResponse": "512d"})
    data = {"Id": f"{azure.key_vault.url}/certificates/app/{version}", "VaultName": "v", "ObjectType": "Certificate",
            "ObjectName": "other", "Version": version}
    assert event(edge, "Microsoft.KeyVault.CertificateNewVersionCreated", data) == (200, {"looking": 0})
    data["ObjectName"] = "app"
    assert event(edge, "Microsoft.KeyVault.CertificateNewVersionCreated", data) == (200, {"looking": 1})
    eventually(lambda: serial(edge) == fresh.serial, 30, "the new version, ten seconds after the last look at the earliest")
