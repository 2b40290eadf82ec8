"""The whole chain in one cluster: a version in Key Vault, what two replicas serve, a Secret, an application gateway and a copy in the
vault, each with the same fingerprint; written by the replica that leads alone, and by the next one when that is killed."""

import base64
import json
import ssl
import time

import pytest
from azure_world.gateway_listener import GatewayListener
from azure_world.starting_gateway import starting_resource
from cluster.load import Load
from cluster.objects import app, ingress, tls_secret
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
from cryptography.x509 import load_pem_x509_certificate
from support.acme_world import shown
from support.authority import Authority
from support.edge import eventually

HOST = "www.example.com"
POLL = 2  # seconds
PUT = "ApplicationGateways_CreateOrUpdate"
ON_GATEWAY, IN_VAULT = "ours", "copy"
# A Lease that is not renewed is free after fifteen seconds, changes are gathered for five, and an operation takes its time.
PATIENCE = 60
SLACK = 4  # of the machine, where others compile


@pytest.fixture
def authority():
    return Authority(intermediate=True)


@pytest.fixture
def gateway(azure, authority):
    """With a listener for the host, which shows somebody else's certificate."""
    made = azure.arm.add_gateway()
    made.install("theirs", authority.issue(HOST))
    made.resource["properties"]["httpListeners"] = starting_resource(made.id, {HOST: "theirs"})["properties"]["httpListeners"]
    made.install("theirs", authority.issue(HOST))
    return made


@pytest.fixture
def listener(azure, gateway, tmp_path):
    made = GatewayListener(azure.arm, gateway, tmp_path)
    yield made
    made.close()


@pytest.fixture
def two(azure, gateway, listener, run_ingress, kubectl, namespace):
    """Two replicas that follow the vault. The Ingress names the Secret that they are to fill."""
    kubectl.apply(*app("app"), ingress("web", [(HOST, "/", "app")], tls=[("web-tls", HOST)]))
    settings = {
        "azure": azure.settings,
        "certificates": [{"key_vault": {"vault": azure.key_vault.url, "name": "site", "poll": f"{POLL}s"}}],
        "mirrors": [
            {"application_gateway": {"resource_id": gateway.id, "certificates": [{"certificate": HOST, "name": ON_GATEWAY}],
                                     "listeners": ["tls-0"], "probe_address": listener.address}},
            {"key_vault": {"vault": azure.key_vault.url, "certificates": [{"certificate": HOST, "name": IN_VAULT}]}}]}
    edges = [run_ingress("--namespace", namespace, "--copy", f"{HOST}={namespace}/web-tls", settings=settings) for _ in range(2)]
    for edge in edges:
        edge.serves(HOST, title="app")
    return edges


class Hops:
    """What is held where, as fingerprints; None: nothing."""

    def __init__(self, azure, gateway, listener, kubectl, edges):
        self.azure, self.gateway, self.listener, self.kubectl, self.edges = azure, gateway, listener, kubectl, list(edges)

    def served(self):
        """By all replicas alike."""
        found = {fingerprint(edge.shown(HOST)) for edge in self.edges}
        return found.pop() if len(found) == 1 else None

    def secret(self):
        return next((each for each in self.kubectl.get("secrets")["items"] if each["metadata"]["name"] == "web-tls"), None)

    def in_secret(self):
        found = self.secret()
        return fingerprint(load_pem_x509_certificate(base64.b64decode(found["data"]["tls.crt"]))) if found else None

    def on_gateway(self):
        """Of the public certificates that Resource Manager shows."""
        with self.azure.arm.lock:
            self.azure.arm.operations.settle()
            elements = self.gateway.shown("2025-07-01")["properties"]["sslCertificates"]
        data = next((each["properties"]["publicCertData"] for each in elements if each["name"] == ON_GATEWAY), None)
        chain = load_der_pkcs7_certificates(base64.b64decode(data)) if data else []
        return next((fingerprint(each) for each in chain if each.subject != each.issuer and HOST in each.subject.rfc4514_string()), None)

    def by_the_gateway(self):
        """Of what its listener shows to clients."""
        return fingerprint(shown(None, HOST, port=self.listener.port))

    def in_vault(self):
        held = self.azure.vault.certificates.get(IN_VAULT)
        return fingerprint(held.newest.certificate) if held else None

    def all_hold(self, pair):
        for hop in (self.in_secret, self.on_gateway, self.by_the_gateway, self.in_vault):
            eventually(lambda hop=hop: hop() == fingerprint(pair.leaf), PATIENCE, hop.__name__)

    def writes(self):
        """To the gateway, to the vault, and the version of the Secret."""
        asked = self.azure.journal.asked
        return (len(asked(PUT)), len(asked("ImportCertificate")), self.secret()["metadata"]["resourceVersion"])

    def leader(self):
        return eventually(lambda: next((edge for edge in self.edges if edge.metric("sekisho_kube_leader") == 1), None), PATIENCE, "a leader")


def fingerprint(certificate):
    return certificate.fingerprint(hashes.SHA256()).hex()


@pytest.fixture
def hops(azure, gateway, listener, kubectl, two):
    return Hops(azure, gateway, listener, kubectl, two)


@pytest.fixture
def version(azure, authority):
    """version(n) puts the n-th version into the vault, and is its pair."""
    def put(number):
        pair = authority.issue(HOST, kind="rsa", start=number - 10)
        azure.vault.add_certificate("site", pair, created=1_700_000_000 + number)
        return pair
    return put


def load_on(edge, authority):
    """Handshakes and requests, one after the other, that believe this authority alone."""
    context = ssl.create_default_context(cadata=authority.pem.decode())
    return Load(edge.port, HOST, threads=1, context=context)


def in_step(edge):
    """The mirrors of this replica, all of them the same as what it serves."""
    return (edge.metric("sekisho_mirror_fingerprint_match") == 3 and len(edge.metrics()["sekisho_mirror_fingerprint_match"]) == 3
            and edge.metric("sekisho_mirror_lag_seconds") == 0)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_version_of_the_vault_reaches_every_hop_once_whoever_leads(version, authority, hops, azure):
    first = version(1)
    eventually(lambda: hops.served() == fingerprint(first.leaf), 20, "both replicas serve it")
    hops.all_hold(first)
    leader = hops.leader()
    eventually(lambda: in_step(leader), PATIENCE)
    follower = next(edge for edge in hops.edges if edge is not leader)
    assert "sekisho_mirror_fingerprint_match" not in follower.metrics()
    assert hops.writes()[:2] == (1, 1)

    with load_on(follower, authority) as lasting:
        with load_on(leader, authority) as load:
            second = version(2)
            begun = time.monotonic()
            eventually(lambda: hops.served() == fingerprint(second.leaf), PATIENCE, "both replicas serve it")
            assert time.monotonic() - begun < POLL + SLACK
            hops.all_hold(second)
            assert hops.writes()[:2] == (2, 2)
            eventually(lambda: in_step(leader), PATIENCE)
            tells_each_hop(leader, second)
        assert load.done > 50 and load.failures == []

        before = hops.writes()
        leader.kill()
        hops.edges.remove(leader)
        assert hops.leader() is follower
        eventually(lambda: in_step(follower), PATIENCE, "the next one knows each mirror")
        assert hops.writes() == before, "nothing is written that is there"

        third = version(3)
        eventually(lambda: hops.served() == fingerprint(third.leaf), POLL + SLACK, "it serves the next version")
        hops.all_hold(third)
        assert hops.writes()[:2] == (3, 3)
        eventually(lambda: in_step(follower), PATIENCE)
    assert lasting.done > 100 and lasting.failures == []


def tells_each_hop(edge, pair):
    told = json.loads(edge.command("certs", "--output", "json").stdout)
    mirrors = [each for one in told if one.get("sha256") == fingerprint(pair.leaf) for each in one.get("mirrors", [])]
    assert {each["name"] for each in mirrors} == {"web-tls", ON_GATEWAY, IN_VAULT} and all(each["in_step"] for each in mirrors)
    why = edge.command("why", HOST).stdout
    for place in ("application gateway edge-group/edge-gateway", "key vault https://", "Secrets of namespace "):
        assert place in why, why


def test_a_foreign_secret_is_left_alone_until_it_is_handed_over(version, authority, azure, run_ingress, kubectl, namespace):
    theirs = authority.issue("their.example.com")
    kubectl.apply(tls_secret("web-tls", theirs))
    pair = version(1)
    edge = run_ingress("--namespace", namespace, "--copy", f"{HOST}={namespace}/web-tls", settings={
        "azure": azure.settings, "certificates": [{"key_vault": {"vault": azure.key_vault.url, "name": "site"}}]})

    def holds(wanted):
        return base64.b64decode(kubectl.get("secret/web-tls")["data"]["tls.crt"]) == wanted.chain
    eventually(lambda: "that sekisho has not written as a copy" in edge.command("why", HOST).stdout, PATIENCE)
    assert holds(theirs) and edge.metric("sekisho_mirror_fingerprint_match") == 0
    kubectl("annotate", "secret", "web-tls", f"sekisho.io/copy-of={HOST}")
    edge.stop()
    edge.start()
    eventually(lambda: holds(pair), PATIENCE)
