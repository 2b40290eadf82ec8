"""The binary serves what a vault has: each new version within a poll, under load; and says why where there is none."""

import base64
import threading

import pytest
from azure_world.vault_objects import PEM
from support.acme_world import eventually_said, names_of, served, shown
from support.edge import eventually
from support.pebble import Looking

HOST = "www.example.test"


@pytest.fixture
def of_vault(azure):
    """of_vault(name=…) is an entry of `certificates`."""
    def make(**more):
        return {"key_vault": {"vault": azure.key_vault.url, "poll": "1s", **more}}
    return make


@pytest.fixture
def ca(azure):
    return azure.ca


def serves(edge, pair, patience=10):
    """Waits until the pair's certificate is what clients are shown."""
    def ask():
        found = shown(edge, HOST)
        return found is not None and found.serial_number == pair.serial
    eventually(ask, patience, f"the certificate {pair.serial:x}")


def test_new_versions_are_served_within_a_poll_under_load(azure, authority, ca, of_vault, run_edge):
    pairs = [authority.issue(HOST, kind=kind) for kind in ("ecdsa", "rsa", "ecdsa")]
    azure.vault.page_size, azure.vault.empty_pages = 1, True
    azure.vault.add_certificate("site", pairs[0], created=1_700_000_000)
    edge = run_edge(certificates=[of_vault(name="site")])
    served(edge, HOST, ca)
    order = {pair.serial: number for number, pair in enumerate(pairs)}
    lock, latest = threading.Lock(), [0]

    def goes_on():
        """Every handshake shows a version, and none that is older than what was shown before it began."""
        with lock:
            before = latest[0]
        number = order[shown(edge, HOST, ca).serial_number]
        with lock:
            latest[0] = max(latest[0], number)
        return number >= before or f"went back from {before} to {number}"

    with Looking(goes_on) as one, Looking(goes_on) as two:
        for number, kind in ((1, PEM), (2, "application/x-pkcs12")):
            azure.vault.add_certificate("site", pairs[number], kind, created=1_700_000_000 + number, reverse=kind == PEM)
            serves(edge, pairs[number], patience=4)
    assert (one.wrong, two.wrong) == ([], []) and one.asked > 20
    # A poll of what did not change asks for no secret.
    read = len(azure.journal.asked("GetSecret", status=200))
    polls = len(azure.journal.asked("GetCertificateVersions")) + len(azure.journal.asked("GetCertificates"))
    eventually(lambda: len(azure.journal.asked("GetCertificateVersions")) + len(azure.journal.asked("GetCertificates")) > polls + 1)
    assert len(azure.journal.asked("GetSecret", status=200)) == read == 3


def broken_by(azure, authority, what):
    """Makes the vault so that it gives nothing better; the words that must be said of it."""
    vault = azure.vault
    if what == "soft-deleted":
        vault.soft_delete("site")
    elif what == "not found":
        vault.purge("site")
    elif what == "disabled":
        vault.disable("site")
    elif what == "expired":
        vault.add_certificate("site", authority.issue(HOST, start=-3, days=1))
        vault.disable("site", vault.certificates["site"].versions[0].id)
    elif what == "not exportable":
        vault.add_certificate("site", authority.issue(HOST), exportable=False)
    elif what == "firewall":
        vault.deny("*", "ForbiddenByFirewall")
    elif what == "no permission":
        vault.deny("secrets/get", "ForbiddenByRbac")
        vault.add_certificate("site", authority.issue(HOST))
    elif what == "unreachable":
        azure.key_vault.down()
    elif what == "no token":
        azure.application.federated.clear()
        azure.tokens.expire_all()


@pytest.mark.parametrize("what", ["soft-deleted", "not found", "disabled", "expired", "not exportable", "firewall", "no permission",
                                  "unreachable", "no token"])
def test_each_failure_has_a_reason_of_its_own_and_the_last_good_one_stays(azure, authority, of_vault, run_edge, what):
    azure.tokens.lifetime = 2
    pair = authority.issue(HOST)
    azure.vault.add_certificate("site", pair, created=1_700_000_000)
    edge = run_edge(certificates=[of_vault(name="site")])
    serves(edge, pair)
    broken_by(azure, authority, what)
    eventually_said(edge, what, "why", HOST)
    assert shown(edge, HOST).serial_number == pair.serial


def test_a_name_that_a_vault_never_had_is_told(azure, of_vault, run_edge):
    edge = run_edge(certificates=[of_vault(name="none")])
    eventually_said(edge, "not found", "certs")


def test_throttling_is_obeyed(azure, authority, of_vault, run_edge):
    old, new = authority.issue(HOST), authority.issue(HOST)
    azure.vault.add_certificate("site", old, created=1_700_000_000)
    edge = run_edge(certificates=[of_vault(name="site")])
    serves(edge, old)
    azure.key_vault.fail_next(429, retry_after=2)
    azure.vault.add_certificate("site", new, created=1_700_000_001)
    serves(edge, new)
    throttled = azure.journal.asked(service="key_vault", status=429)
    assert len(throttled) == 1
    later = [each for each in azure.journal.asked(service="key_vault", since=throttled[0].request.at) if each is not throttled[0]]
    assert min(each.request.at for each in later) - throttled[0].request.at >= 1.9


def test_everything_down_for_a_while_harms_nobody(azure, authority, ca, of_vault, run_edge):
    old, new = authority.issue(HOST), authority.issue(HOST)
    azure.tokens.lifetime = 2
    azure.vault.add_certificate("site", old, created=1_700_000_000)
    edge = run_edge(certificates=[of_vault(name="site")])
    serves(edge, old)
    with Looking(lambda: shown(edge, HOST, ca) is not None, 0.02) as looking:
        azure.entra.down()
        azure.key_vault.down()
        eventually_said(edge, "no token", "why", HOST)
        azure.vault.add_certificate("site", new, created=1_700_000_001)
        azure.key_vault.up()
        azure.entra.up()
        serves(edge, new, patience=15)
    assert looking.wrong == []


def test_certificates_are_found_by_prefix_and_by_tag(azure, authority, of_vault, run_edge):
    azure.vault.add_certificate("edge-a", authority.issue("a.example.test"))
    azure.vault.add_certificate("edge-b", authority.issue("b.example.test"))
    azure.vault.add_certificate("other", authority.issue("c.example.test"), tags={"edge": "yes"})
    azure.vault.add_certificate("unwanted", authority.issue("d.example.test"))
    edge = run_edge(certificates=[of_vault(prefix="edge-"), of_vault(tags={"edge": "yes"})])
    for host in ("a.example.test", "b.example.test", "c.example.test"):
        eventually(lambda: host in names_of(shown(edge, host)), 10, host)  # noqa: B023
    assert names_of(shown(edge, "d.example.test")) != ["d.example.test"]


def test_a_plain_secret_with_a_pfx_is_a_certificate_too(azure, authority, of_vault, run_edge):
    pair = authority.issue(HOST)
    azure.vault.add_secret("plain", base64.b64encode(pair.pfx()).decode())
    edge = run_edge(certificates=[of_vault(name="plain", kind="secret")])
    serves(edge, pair)


def test_a_short_lived_token_is_replaced_before_it_ends(azure, authority, of_vault, run_edge):
    azure.tokens.lifetime = 3
    azure.vault.add_certificate("site", authority.issue(HOST))
    edge = run_edge(certificates=[of_vault(name="site")])
    eventually(lambda: len(azure.journal.asked("token", status=200)) >= 3, 15)
    refused = [each for each in azure.journal.asked(service="key_vault", status=401) if each.request.bearer]
    assert refused == [] and shown(edge, HOST) is not None
