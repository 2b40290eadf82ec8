"""cert-manager's Issuers, Certificates and annotations, without a cert-manager: what the guides apply, and what they look at."""

import base64
import json
import re

import pytest
from cluster.cluster import DATA
from cluster.objects import app, ingress
from support.acme_world import AcmeWorld, names_of
from support.authority import Authority
from support.edge import eventually

MANIFESTS = DATA / "manifests"
ISSUED = "The certificate has been successfully issued"


@pytest.fixture(scope="module")
def definitions(cluster):
    cluster.apply_crds("cert-manager")


@pytest.fixture
def world(tmp_path):
    """A CA, with a server before it that counts."""
    made = AcmeWorld(tmp_path / "world", Authority(), faulting=True)
    yield made
    made.close()


@pytest.fixture
def edge(run_ingress, namespace, definitions):
    """With the rights of one namespace: Issuers, no ClusterIssuers."""
    return run_ingress("--namespace", namespace, "--class", "nginx")


@pytest.fixture
def run_where_the_ca_looks(run_ingress, world, definitions):
    """run(*words) is an edge on the ports where the world's CA looks; several share them."""
    def run(*words, **options):
        started = run_ingress("--nameserver", world.dns.address, "--challenge-http-port", world.http_port, "--challenge-tls-port",
                              world.tls_port, *words, start=False, **options)
        started.port, started.plain_port = world.tls_port, world.http_port
        return started.start()
    return run


def issuer(world, name="letsencrypt", kind="Issuer", **more):
    acme = {"server": world.faults.directory, "email": "admin@example.com", "privateKeySecretRef": {"name": f"{name}-key"},
            "caBundle": base64.b64encode(world.faults.trust.read_bytes()).decode(),
            "solvers": [{"http01": {"ingress": {"ingressClassName": "nginx"}}}], **more}
    return {"apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": {"name": name}, "spec": {"acme": acme}}


def certificate(name, *hosts, issuer="letsencrypt", kind="Issuer", **more):
    return {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": name},
            "spec": {"secretName": name, "dnsNames": list(hosts), "issuerRef": {"name": issuer, "kind": kind}, **more}}


def condition(kubectl, what, kind="Ready"):
    """(status, reason, message) of a condition; of one that is not there (None, None, None)."""
    for each in kubectl.get(*what.split("/")).get("status", {}).get("conditions", []):
        if each["type"] == kind:
            return each["status"], each.get("reason"), each.get("message", "")
    return None, None, None


def ready(kubectl, what, patience=60):
    def is_ready():
        return condition(kubectl, what)[0] == "True"
    try:
        eventually(is_ready, patience, f"{what} is ready")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{kubectl.describe(what)}") from None


def described(kubectl, what, text, patience=20):
    eventually(lambda: text in kubectl.describe(what), patience, f"{text!r} in describe {what}")
    return kubectl.describe(what)


def pair_in(kubectl, name):
    return {key: base64.b64decode(value) for key, value in kubectl.get("secret", name)["data"].items()}


# ---- the guides


def test_the_guides_self_signed_issuer(edge, kubectl):
    kubectl.apply(*app("app1"), *app("app2"))
    kubectl.apply(MANIFESTS / "001-01-issuer.yaml", MANIFESTS / "001-02-ingress.yaml")
    ready(kubectl, "certificate/selfsigning-cert")
    said = described(kubectl, "certificate/selfsigning-cert", ISSUED)
    assert "Certificate is up to date and has not expired" in said
    for line in ("Reason: +Ready", "Not After:", "Not Before:", "Renewal Time:", "Secret Name: +selfsigning-cert"):
        assert re.search(line, said), said
    assert "Reason:                IsReady" in described(kubectl, "issuer/selfsigning-issuer", "IsReady")
    described(kubectl, "ingress/app-aws-ingress", 'Successfully created Certificate "selfsigning-cert"')
    assert kubectl("get", "certificate").split()[-4:-1] == ["selfsigning-cert", "True", "selfsigning-cert"]
    assert set(pair_in(kubectl, "selfsigning-cert")) == {"ca.crt", "tls.crt", "tls.key"}
    described_secret = kubectl.describe("secret/selfsigning-cert")
    assert "kubernetes.io/tls" in described_secret and "cert-manager.io/issuer-name: selfsigning-issuer" in described_secret
    host = "k8s-tutorial.mamezou-tech.com"
    eventually(lambda: names_of(edge.shown(host)) == [host], 20, "the certificate is served")
    edge.serves(host, "/app1", "app1")
    edge.serves(host, "/app2", "app2")


def adapted(world, namespace):
    """000-05 with the test's CA: nothing else is changed."""
    text = (MANIFESTS / "000-05-clusterissuer-ingress.yaml").read_text()
    bundle = base64.b64encode(world.faults.trust.read_bytes()).decode()
    text = text.replace("server: https://acme-v02.api.letsencrypt.org/directory",
                        f"server: {world.faults.directory}\n    caBundle: {bundle}")
    return text.replace("letsencrypt-prod", f"letsencrypt-{namespace}")


def test_the_guides_cluster_issuer_and_its_ingress(run_where_the_ca_looks, world, cluster, kubectl, namespace):
    edge = run_where_the_ca_looks("--class", "azure-alb-external")
    kubectl.apply(*app("my-app"), adapted(world, namespace))
    try:
        ready(kubectl, f"clusterissuer/letsencrypt-{namespace}")
        said = kubectl.describe(f"clusterissuer/letsencrypt-{namespace}")
        assert "ACMEAccountRegistered" in said and "The ACME account was registered with the ACME server" in said
        assert "BEGIN" in pair_in(kubectl, f"letsencrypt-{namespace}-key")["tls.key"].decode()
        ready(kubectl, "certificate/app-tls-secret")
        described(kubectl, "certificate/app-tls-secret", ISSUED)
        roots = world.roots()
        eventually(lambda: "Pebble" in edge.shown("app.example.com").issuer.rfc4514_string(), 20, "the CA's certificate is served")
        assert edge.serves("app.example.com", title="my-app").version == "2"
        assert edge.curl("app.example.com", tls=False).status == 308
        assert roots and len(world.faults.orders()) == 1
        # What is gone is made again, for the Ingress asks for it; its Secret is good, and nothing is ordered.
        serial = edge.shown("app.example.com").serial_number
        before = kubectl.get("certificate", "app-tls-secret")["metadata"]["uid"]
        kubectl.delete("certificate/app-tls-secret")
        eventually(lambda: kubectl.run("get", "certificate", "app-tls-secret", check=False).returncode == 0
                   and kubectl.get("certificate", "app-tls-secret")["metadata"]["uid"] != before, 20, "it is made again")
        ready(kubectl, "certificate/app-tls-secret")
        assert edge.shown("app.example.com").serial_number == serial
        assert len(world.faults.orders()) == 1
    finally:
        cluster.kubectl.delete(f"clusterissuer/letsencrypt-{namespace}")


# ---- what goes wrong


def test_a_certificate_says_that_its_issuer_is_missing(edge, kubectl):
    kubectl.apply(certificate("web", "a.example.com", issuer="missing"))
    said = described(kubectl, "certificate/web", 'Referenced "Issuer" not found')
    assert "Issuing certificate as Secret does not exist" in said
    assert condition(kubectl, "certificate/web")[:2] == ("False", "DoesNotExist")


def test_an_issuer_says_why_it_cannot_be_used(edge, kubectl, world):
    unreachable = issuer(world, "unreachable", server="https://127.0.0.1:1/dir")
    azure = issuer(world, "azure", solvers=[{"dns01": {"azureDNS": {"subscriptionID": "s", "resourceGroupName": "g"}}}])
    kubectl.apply(unreachable, azure, {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "ca"},
                                       "spec": {"ca": {"secretName": "root"}}})
    described(kubectl, "issuer/unreachable", "ACME account registration failed")
    described(kubectl, "issuer/azure", "Error initializing DNS provider: azureDNS")
    described(kubectl, "issuer/ca", "root does not exist")
    kubectl.apply(certificate("web", "a.example.com", issuer="azure"))
    described(kubectl, "certificate/web", "Referenced issuer does not have a Ready status condition")


def test_a_challenge_is_shown_while_nobody_answers(run_where_the_ca_looks, world, kubectl, namespace):
    run_where_the_ca_looks("--namespace", namespace)
    world.dns.tell("add-a", host="elsewhere.example.com.", addresses=["127.0.0.9"])
    kubectl.apply(issuer(world), certificate("web", "elsewhere.example.com"))
    eventually(lambda: "elsewhere.example.com" in kubectl("get", "challenges"), 40, "the challenge is shown")
    assert "HTTP-01" in kubectl.describe("challenges")
    eventually(lambda: condition(kubectl, "certificate/web", "Issuing")[1] == "Failed", 40, "it says that it failed")
    assert pytest.raises(AssertionError, kubectl.get, "secret", "web")


# ---- certificates


def test_an_authority_in_a_secret_issues_what_certificates_ask_for(edge, kubectl):
    authority = Authority()
    kubectl.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "root"}, "type": "kubernetes.io/tls",
                   "stringData": {"tls.crt": authority.pem.decode(), "tls.key": authority.key_pem.decode()}},
                  {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "ca"},
                   "spec": {"ca": {"secretName": "root"}}},
                  certificate("web", "a.example.com", issuer="ca", duration="48h", privateKey={"algorithm": "ECDSA"},
                              secretTemplate={"labels": {"team": "web"}}))
    ready(kubectl, "certificate/web")
    pair = pair_in(kubectl, "web")
    assert pair["ca.crt"] == authority.pem and b"BEGIN EC PRIVATE KEY" in pair["tls.key"]
    assert kubectl.get("secret", "web")["metadata"]["labels"]["team"] == "web"
    assert condition(kubectl, "issuer/ca")[1] == "KeyPairVerified"


def test_renewals_are_asked_for_as_cmctl_does(edge, kubectl):
    kubectl.apply(MANIFESTS / "001-01-issuer.yaml", certificate("web", "a.example.com", issuer="selfsigning-issuer"))
    ready(kubectl, "certificate/web")
    eventually(lambda: kubectl.get("certificate", "web")["status"].get("revision") == 1, 20, "revision 1")
    first = pair_in(kubectl, "web")["tls.crt"]
    status = kubectl.get("certificate", "web")["status"]
    status["conditions"].append({"type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
                                 "message": "Certificate re-issuance manually triggered",
                                 "lastTransitionTime": status["conditions"][0]["lastTransitionTime"]})
    kubectl("patch", "certificate", "web", "--subresource=status", "--type=merge", "--patch", json.dumps({"status": status}))
    eventually(lambda: kubectl.get("certificate", "web")["status"].get("revision") == 2, 20, "revision 2")
    assert pair_in(kubectl, "web")["tls.crt"] != first
    assert condition(kubectl, "certificate/web", "Issuing") == (None, None, None)
    # And a Secret that is deleted is issued again.
    kubectl.delete("secret/web")
    eventually(lambda: kubectl.get("certificate", "web")["status"].get("revision") == 3, 20, "revision 3")


def test_what_is_restored_into_an_empty_namespace_is_served_and_not_ordered(run_where_the_ca_looks, world, cluster, kubectl, namespace):
    run_where_the_ca_looks()
    kubectl.apply(issuer(world), certificate("web", "a.example.com"))
    ready(kubectl, "certificate/web")
    assert len(world.faults.orders()) == 1
    copies = [kubectl.get(kind, name) for kind, name in
              (("secret", "letsencrypt-key"), ("secret", "web"), ("issuer", "letsencrypt"), ("certificate", "web"))]
    other = cluster.new_namespace("restored")
    try:
        for copy in copies:
            metadata = copy["metadata"]
            copy["metadata"] = {key: metadata[key] for key in ("name", "labels", "annotations") if key in metadata}
            copy.pop("status", None)
        there = cluster.kubectl.within(other)
        there.apply(*copies)
        ready(there, "certificate/web")
        assert pair_in(there, "web") == pair_in(kubectl, "web")
        assert len(world.faults.orders()) == 1
    finally:
        cluster.drop_namespace(other)


@pytest.mark.slow
def test_three_replicas_order_once_and_another_follows_the_one_that_is_killed(run_where_the_ca_looks, world, kubectl, namespace):
    replicas = [run_where_the_ca_looks("--namespace", namespace, "--class", "nginx") for _ in range(3)]
    kubectl.apply(*app("app1"), issuer(world),
                  ingress("web", [("a.example.com", "/", "app1")], tls=[("web-tls", "a.example.com")], class_name="nginx",
                          annotations={"cert-manager.io/issuer": "letsencrypt"}))
    ready(kubectl, "certificate/web-tls")
    assert len(world.faults.orders()) == 1
    # Whoever leads: two of three go, without a word.
    for each in replicas[:2]:
        each.kill()
    kubectl.apply(certificate("second", "b.example.com"))
    ready(kubectl, "certificate/second", 90)
    assert len(world.faults.orders()) == 2
