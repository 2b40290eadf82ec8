"""sekisho ingress while the API is away, or comes back as another: three replicas with their service account, under load."""

import contextlib
import os
import threading

import pytest
from cluster.certificates import pair_in, ready
from cluster.cluster import DATA
from cluster.ingress_deployment import IngressDeployment
from cluster.ingress_edge import IngressEdge
from cluster.load import Load
from cluster.objects import app, ingress, tls_secret
from support.authority import Authority
from support.edge import eventually

# SEKISHO_OUTAGE=300 is what is promised; less is enough to see each watch fail, and the Leases run out.
OUTAGE = float(os.environ.get("SEKISHO_OUTAGE", "20"))
HOST = "www.example.com"


@pytest.fixture
def replicas(own_cluster, tmp_path):
    """Three, in a cluster that the test may break, and an app that they serve."""
    own_cluster.apply_crds("cert-manager")
    kubectl = own_cluster.kubectl.within("default")
    kubectl.apply(*app("app"), DATA / "manifests" / "001-01-issuer.yaml")
    deployment = IngressDeployment(own_cluster, tmp_path / "deploy").apply()
    kubectl.wait("deployment/app", "condition=Available")
    return deployment


@contextlib.contextmanager
def load_on_each(replicas, host):
    with contextlib.ExitStack() as running:
        yield [running.enter_context(Load(8443, host, address=pod.address, threads=1)) for pod in replicas.pods]


def warned_of_the_api(replicas, pod):
    status, said = replicas.readiness(pod)
    assert status == 200, said
    return any("API is away" in each for each in said["warnings"])


def follows(replicas, kubectl, name, authority):
    """Waits until all replicas show a Secret that is changed now, one of them leads, and a certificate is issued and shown."""
    fresh = authority.issue(HOST)
    kubectl.apply(tls_secret("tls", fresh))
    replicas.shows(HOST, fresh.chain, 90)
    eventually(lambda: not any(warned_of_the_api(replicas, pod) for pod in replicas.pods), 90, "all have the API again")
    eventually(replicas.leader, 60, "one leads")
    kubectl.apply(ingress(name, [(f"{name}.example.com", "/", "app")], tls=[(f"{name}-tls", f"{name}.example.com")],
                          annotations={"cert-manager.io/issuer": "selfsigning-issuer"}))
    ready(kubectl, f"certificate/{name}-tls", 90)
    replicas.shows(f"{name}.example.com", pair_in(kubectl, f"{name}-tls")["tls.crt"])


@pytest.mark.slow
@pytest.mark.timeout(300 + OUTAGE)
def test_nothing_is_lost_while_the_api_is_away_nor_when_its_authority_and_all_tokens_are_replaced(own_cluster, replicas):
    authority = Authority()
    kubectl = own_cluster.kubectl.within("default")
    first = authority.issue(HOST)
    kubectl.apply(tls_secret("tls", first), ingress("web", [(HOST, "/", "app")], tls=[("tls", HOST)]))
    replicas.shows(HOST, first.chain)
    replicas.serves(HOST, "app")
    pods = list(replicas.pods)
    with load_on_each(replicas, HOST) as loads:
        own_cluster.stop_apiserver()
        eventually(lambda: all(warned_of_the_api(replicas, pod) for pod in pods), OUTAGE + 20, "all say that the API is away")
        # The time itself is what is asked for: long enough for every Lease to have run out.
        threading.Event().wait(OUTAGE)
        assert all(warned_of_the_api(replicas, pod) for pod in pods)
        own_cluster.start_apiserver()
        follows(replicas, kubectl, "after-outage", authority)

        own_cluster.replace_authority()
        follows(replicas, kubectl, "after-replacement", authority)
    assert replicas.pods == pods and all(pod.containers[0].restarts == 0 for pod in pods)
    for load in loads:
        assert not load.failures, load.failures[:5]
        assert load.done > 100


@pytest.mark.slow
def test_it_is_not_ready_before_it_has_read_everything(own_cluster, tmp_path):
    own_cluster.stop_apiserver()
    edge = IngressEdge(tmp_path / "edge", own_cluster.control_plane.admin_kubeconfig, ready=False)
    try:
        eventually(lambda: any("ingresses (" in each for each in edge.readiness()["reasons"]), 30)
        assert edge.admin("/readyz")[0] == 503
        assert edge.admin("/healthz")[0] == 200
        own_cluster.start_apiserver()
        eventually(lambda: edge.admin("/readyz")[0] == 200, 60)
        edge.stop()
    finally:
        edge.kill()
