"""The overlay `ingress` of deploy/kubernetes, running: three replicas with the rights of their service account alone."""

import os
import ssl
import urllib.request

import pytest
import yaml
from cluster.load import Load
from cluster.objects import app, ingress, tls_secret
from support.authority import Authority
from support.edge import ROOT, eventually

OVERLAY = ROOT / "deploy" / "kubernetes" / "overlays" / "ingress"


def kustomization(folder):
    """The overlay for Pods that share one network: each listens on its own address."""
    args = ["--class=sekisho", "--listen=$(POD_IP):8443", "--http=$(POD_IP):8080", "--admin=$(POD_IP):9180",
            "--state-directory=/var/lib/sekisho", "--publish-service=$(POD_NAMESPACE)/sekisho"]
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": args}]
    folder.mkdir(parents=True)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({
        "resources": [os.path.relpath(OVERLAY, folder)],
        "patches": [{"target": {"kind": "Deployment", "name": "sekisho"}, "patch": yaml.safe_dump(patch)}]}))
    return folder


@pytest.fixture(scope="module")
def replicas(cluster, tmp_path_factory):
    """kubectl in the namespace of three replicas that are available."""
    cluster.kubectl.apply(kustomization(tmp_path_factory.mktemp("deploy") / "ingress"))
    kubectl = cluster.kubectl.within("sekisho")
    try:
        kubectl("rollout", "status", "deployment/sekisho", "--timeout=90s")
        yield kubectl
    finally:
        cluster.drop_namespace("sekisho")


def address_of(kubectl):
    return eventually(lambda: kubectl.get("service/sekisho")["status"]["loadBalancer"]["ingress"][0]["ip"])


def asked(address, host):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(urllib.request.Request(f"https://{address}/", headers={"Host": host}), context=context, timeout=10) as answer:
        return answer.read().decode()


def leader(kubectl):
    """The name of the Pod that leads."""
    holders = [each["spec"].get("holderIdentity") or "" for each in kubectl.get("leases")["items"]
               if each["metadata"]["name"].startswith("sekisho-lock.ingress")]
    return holders[0].split("_")[0] if holders else None


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_replicas_serve_and_one_of_them_writes_the_status(cluster, replicas, kubectl, namespace):
    pair = Authority().issue("www.example.com")
    kubectl.apply(*app("app"), tls_secret("tls", pair), ingress("web", [("www.example.com", "/", "app")], tls=[("tls", "www.example.com")]))
    kubectl.wait("deployment/app", "condition=Available")
    address = address_of(replicas)
    eventually(lambda: '"title": "app"' in asked(address, "www.example.com"), 30)
    eventually(lambda: kubectl.get("ingress/web")["status"]["loadBalancer"].get("ingress") == [{"ip": address}], 30)
    # Each of them answers for itself.
    for pod in cluster.node.pods("sekisho"):
        assert '"title": "app"' in asked(f"{pod.address}:8443", "www.example.com")
    first = eventually(lambda: leader(replicas))
    assert first in [pod.name for pod in cluster.node.pods("sekisho")]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_deployment_is_rolled_without_a_failed_request(cluster, replicas, kubectl):
    kubectl.apply(*app("app"), ingress("rolled", [("rolled.example.com", "/", "app")]))
    kubectl.wait("deployment/app", "condition=Available")
    address = address_of(replicas)
    eventually(lambda: '"title": "app"' in asked(address, "rolled.example.com"), 30)
    before = {pod.name for pod in cluster.node.pods("sekisho")}
    with Load(443, "rolled.example.com", address=address, threads=2) as load:
        replicas("rollout", "restart", "deployment/sekisho")
        replicas("rollout", "status", "deployment/sekisho", "--timeout=150s")
        eventually(lambda: not before & {pod.name for pod in cluster.node.pods("sekisho")}, 90)
    assert not load.failures, load.failures[:5]
    assert load.done > 100
    # Another leads now, and the status is still there.
    assert eventually(lambda: leader(replicas) not in before | {None} or None, 40)
    assert kubectl.get("ingress/rolled")["status"]["loadBalancer"]["ingress"] == [{"ip": address}]
