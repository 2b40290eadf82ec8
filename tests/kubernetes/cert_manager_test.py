"""cert-manager's Issuers, Certificates and annotations, without a cert-manager."""

import json

import pytest
from cluster.certificates import certificate, condition, described, issuer, pair_in, ready
from cluster.cluster import DATA
from support.authority import Authority
from support.edge import eventually

MANIFESTS = DATA / "manifests"


@pytest.fixture
def edge(run_ingress, namespace, cert_manager):
    """With the rights of one namespace: Issuers, no ClusterIssuers."""
    return run_ingress("--namespace", namespace, "--class", "nginx")


# ---- what goes wrong


def test_a_certificate_says_that_its_issuer_is_missing(edge, kubectl):
    kubectl.apply(certificate("web", "a.example.com", issuer="missing"))
    said = described(kubectl, "certificate/web", 'Referenced "Issuer" not found')
    assert "Issuing certificate as Secret does not exist" in said
    assert condition(kubectl, "certificate/web")[:2] == ("False", "DoesNotExist")


def test_an_issuer_says_why_it_cannot_be_used(edge, kubectl, world):
    unreachable = issuer(world, "unreachable", server="https://127.0.0.1:1/dir")
    foreign = issuer(world, "foreign", solvers=[{"dns01": {"route53": {"region": "eu-central-1"}}}])
    # What sekisho itself may write is for ClusterIssuers alone.
    azure = issuer(world, "azure", solvers=[{"dns01": {"azureDNS": {"subscriptionID": "s", "resourceGroupName": "g"}}}])
    kubectl.apply(unreachable, foreign, azure, {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "ca"},
                                       "spec": {"ca": {"secretName": "root"}}})
    described(kubectl, "issuer/unreachable", "ACME account registration failed")
    described(kubectl, "issuer/foreign", "Error initializing DNS provider: sekisho has no solver route53")
    described(kubectl, "issuer/ca", "root does not exist")
    kubectl.apply(certificate("web", "a.example.com", issuer="foreign"), certificate("other", "b.example.com", issuer="azure"))
    described(kubectl, "certificate/web", "Referenced issuer does not have a Ready status condition")
    described(kubectl, "certificate/other", "only a ClusterIssuer may use sekisho's own identity")


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
                   "stringData": {"tls.crt": authority.pem.decode(), "tls.key": authority.key.decode()}},
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
    eventually(lambda: condition(kubectl, "certificate/web", "Issuing")[0] is None, 20, "it is issued to the end")
    status = kubectl.get("certificate", "web")["status"]
    status["conditions"].append({"type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
                                 "message": "Certificate re-issuance manually triggered",
                                 "lastTransitionTime": status["conditions"][0]["lastTransitionTime"]})
    kubectl("patch", "certificate", "web", "--subresource=status", "--type=merge", "--patch", json.dumps({"status": status}))
    eventually(lambda: kubectl.get("certificate", "web")["status"].get("revision") == 2, 20, "revision 2")
    assert pair_in(kubectl, "web")["tls.crt"] != first
    eventually(lambda: condition(kubectl, "certificate/web", "Issuing") == (None, None, None), 20, "it is issued to the end")
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
