"""`sekisho why` and `sekisho doctor` in a cluster: the way from an Ingress to what is served, and what is in its way."""

import json
import os

import pytest
import yaml
from cluster.certificates import certificate, issuer, ready
from cluster.objects import app, ingress, role, role_binding, service_account, tls_secret
from support.authority import Authority
from support.edge import ROOT, eventually, free_port

HOST = "www.example.com"


@pytest.fixture
def edge(run_ingress, namespace, cert_manager):
    return run_ingress("--namespace", namespace)


def chain(edge, host=HOST):
    """{what: link} of the chain."""
    answer = json.loads(edge.command("why", host, "--output", "json").stdout)
    return {link["what"]: link for link in answer["chain"]}


def findings(edge, **options):
    return json.loads(edge.command("doctor", "--output", "json", **options).stdout)


def rule(name="web", annotations=None, **more):
    return ingress(name, [(HOST, "/", "app1")], tls=[("web-tls", HOST)], annotations=annotations, **more)


# ---- why


def test_why_shows_each_link_that_does_not_hold_and_what_to_do(edge, kubectl, namespace):
    def link(what, state, *parts):
        def holds():
            found = chain(edge).get(what, {"state": None})
            return found["state"] == state and all(part in found["object"] + found["text"] + found["next"] for part in parts)
        eventually(holds, 20, f"{what} is {state}: {parts}")
    link("ingress", "bad", "no Ingress names")
    kubectl.apply(*app("app1"), rule(class_name="other"))
    link("ingress", "unknown", f"{namespace}/web", "of class other", "not served here")
    kubectl.delete("ingress/web")
    kubectl.apply(rule())
    link("ingress", "good", f"Secret {namespace}/web-tls")
    link("secret", "bad", "there is none", "annotate the Ingress")
    assert "certificate" not in chain(edge)
    # Asked for by an annotation, of an issuer that is not there.
    kubectl.apply(rule(annotations={"cert-manager.io/issuer": "own"}))
    link("certificate", "bad", f"{namespace}/web-tls", "DoesNotExist")
    link("issuer", "bad", "own", "none of that name")
    kubectl.apply({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "own"}, "spec": {"selfSigned": {}}})
    ready(kubectl, "certificate/web-tls")
    for what in ("ingress", "certificate", "issuer", "secret", "served"):
        link(what, "good")
    found = chain(edge)
    fingerprint = found["secret"]["text"].split()[1]
    assert len(fingerprint) == 64 and fingerprint in found["served"]["text"]
    text = edge.command("why", HOST, check=0).stdout
    assert f"certificate {namespace}/web-tls: good: Ready is True, reason Ready" in text, text


def test_why_tells_of_a_secret_that_is_for_another_name(edge, kubectl):
    kubectl.apply(*app("app1"), tls_secret("web-tls", Authority().issue("other.example.com")), rule())
    found = eventually(lambda: chain(edge).get("secret", {}).get("state") == "bad" and chain(edge)["secret"])
    assert f"it is not for {HOST}" in found["text"] and found["next"]
    assert edge.command("why", HOST, check=1)


@pytest.mark.slow
def test_a_replica_that_does_not_lead_shows_the_order_of_the_one_that_does(run_ingress, kubectl, namespace, world, cert_manager):
    words = ("--namespace", namespace, "--nameserver", world.dns.address)
    first = run_ingress(*words)
    eventually(lambda: first.metric("sekisho_kube_leader") == 1, 30, "the first leads")
    second = run_ingress(*words)
    # Nobody answers there.
    world.dns.tell("add-a", host=f"{HOST}.", addresses=["127.0.0.9"])
    kubectl.apply(*app("app1"), rule(), issuer(world), certificate("web-tls", HOST))
    found = eventually(lambda: "challenge" in chain(second) and chain(second), 60, "the challenge is shown")
    assert HOST in found["challenge"]["text"] and "port 80" in found["challenge"]["next"]
    assert found["issuer"]["state"] == "good"
    assert second.metric("sekisho_kube_leader") == 0


# ---- doctor


SERVE = [(("get", "list", "watch"), ("ingresses",), "networking.k8s.io"), (("patch", "update"), ("ingresses/status",), "networking.k8s.io"),
         (("get", "list", "watch"), ("services",)), (("get", "list", "watch"), ("endpointslices",), "discovery.k8s.io"),
         (("create", "patch"), ("events",)), (("get", "list", "watch", "create", "update", "patch", "delete"), ("secrets",)),
         (("get", "list", "watch", "create", "update", "patch", "delete"), ("leases",), "coordination.k8s.io")]


def test_doctor_names_the_right_that_is_missing_and_the_role_that_grants_it(cluster, run_ingress, kubectl, namespace, cert_manager):
    rules = [each for each in SERVE if each[1] != ("events",)]
    kubectl.apply(service_account("edge"), role("edge", *rules), role_binding("edge", "edge"))
    limited = run_ingress("--namespace", namespace, kubeconfig=cluster.control_plane.kubeconfig_of(namespace, "edge"))
    found = findings(limited, check=1)
    bad = [each for each in found if each["verdict"] == "bad"]
    assert [each["name"] for each in bad if each["check"] == "rights"] == ["events"], found
    text = bad[0]["text"]
    assert "may not create, patch events" in text and "sekisho-serve" in text and "components/namespaced/serve_role.yaml" in text
    assert namespace in text
    issue = [each for each in found if each["name"] == "sekisho-issue"]
    assert issue[0]["verdict"] == "bad" or "not issued" in issue[0]["text"]
    # And with it nothing is bad.
    kubectl.apply(role("edge", *SERVE))
    eventually(lambda: not [each for each in findings(limited) if each["check"] == "rights" and each["verdict"] == "bad"], 20)


def test_doctor_misses_nothing_that_the_overlay_and_its_components_grant(cluster, run_ingress, namespace, cert_manager, tmp_path):
    """The table of rights in the program and the roles of deploy/kubernetes say the same."""
    deploy = ROOT / "deploy" / "kubernetes"
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({
        "resources": [os.path.relpath(deploy / "overlays" / "ingress", tmp_path)],
        "components": [os.path.relpath(deploy / "components" / each, tmp_path) for each in ("mirrors", "webhook", "key_vault_objects")]}))
    rendered = [each for each in yaml.safe_load_all(cluster.kubectl("kustomize", tmp_path)) if each]
    roles = [each for each in rendered if each["apiVersion"].startswith("rbac") or each["kind"] in ("ServiceAccount", "Namespace")]
    roles.sort(key=lambda each: each["kind"] != "Namespace")
    cluster.kubectl.apply(*roles)
    try:
        edge = run_ingress("--class", namespace, "--mirrors", "--webhook", f"127.0.0.1:{free_port()}",
                           "--webhook-configuration", "sekisho", "--key-vault-objects",
                           kubeconfig=cluster.control_plane.kubeconfig_of("sekisho", "sekisho"),
                           environment={"POD_NAMESPACE": "sekisho"})
        rights = [each for each in findings(edge) if each["check"] == "rights"]
        assert [each["verdict"] for each in rights] == ["good"] * 7, rights
        edge.stop()
    finally:
        for each in roles:
            if each["kind"].startswith("Cluster"):
                cluster.kubectl.delete(f"{each['kind']}/{each['metadata']['name']}")
        cluster.drop_namespace("sekisho")


def test_doctor_looks_at_the_api_its_clock_the_leader_and_the_service(run_ingress, kubectl, namespace, cert_manager):
    edge = run_ingress("--namespace", namespace, "--publish-service", f"{namespace}/front")

    def verdicts():
        return {(each["check"], each["name"]): each["verdict"] for each in findings(edge)}
    found = eventually(lambda: verdicts().get(("leader", "")) == "good" and verdicts(), 30)
    assert found["API", ""] == found["clock", "API"] == found["rights", "sekisho-serve"] == found["rights", "sekisho-issue"] == "good"
    assert found["CRDs", "cert-manager.io"] == found["cert-manager", ""] == "good"
    assert found["service", f"{namespace}/front"] == "bad"
    kubectl.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"},
                   "spec": {"type": "LoadBalancer", "selector": {"app": "nobody"}, "ports": [{"name": "https", "port": 443}]}})
    eventually(lambda: verdicts().get(("service", f"{namespace}/front")) == "good", 20)
    found = verdicts()
    assert found["service", "port 443"] == "bad" and found["service", "port 80"] == "unknown"
    kubectl.apply({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "ca"}, "spec": {"ca": {"secretName": "root"}}})
    eventually(lambda: verdicts().get(("issuer", f"Issuer {namespace}/ca")) == "bad", 20)


def test_doctor_sees_a_cert_manager_that_runs_beside_it(run_ingress, cluster, kubectl, namespace, cert_manager):
    edge = run_ingress("--namespace", namespace)
    kubectl.apply({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "cert-manager-controller"},
                   "spec": {"holderIdentity": "cert-manager-0", "leaseDurationSeconds": 60, "renewTime": now(), "acquireTime": now()}})
    found = [each for each in findings(edge) if each["check"] == "cert-manager"]
    assert "left to it" in found[0]["text"], found


def now():
    import datetime
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.slow
def test_doctor_says_that_the_api_is_away(own_cluster, tmp_path):
    from cluster.ingress_edge import IngressEdge
    edge = IngressEdge(tmp_path / "edge", own_cluster.control_plane.admin_kubeconfig, namespace="default")
    try:
        own_cluster.stop_apiserver()
        found = findings(edge, check=1)
        assert [each["check"] for each in found if each["verdict"] == "bad"] == ["API"], found
    finally:
        edge.kill()
