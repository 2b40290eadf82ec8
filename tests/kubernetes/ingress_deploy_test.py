"""The overlay `ingress` of deploy/kubernetes, running: three replicas with the rights of their service account alone."""

import contextlib
import ssl
import time

import pytest
from cluster.certificates import ISSUED, certificate, described, issuer, pair_in, ready
from cluster.ingress_deployment import IngressDeployment
from cluster.load import Load
from cluster.objects import app, ingress, tls_secret
from support.acme_world import AcmeWorld
from support.authority import Authority
from support.edge import eventually
from support.faulting_server import call

# A Lease that is not renewed is taken over after this many seconds, by who looks every two.
TAKEN_OVER_WITHIN = 15 + 2


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A CA that looks where Let's Encrypt does, at what the DNS says: the address of the Service."""
    made = AcmeWorld(tmp_path_factory.mktemp("world"), Authority(), faulting=True, ports=(443, 80))
    yield made
    made.close()


@pytest.fixture(scope="module")
def replicas(cluster, cert_manager, world, tmp_path_factory):
    """Three that are available."""
    deployment = IngressDeployment(cluster, tmp_path_factory.mktemp("deploy") / "ingress", "--nameserver", world.dns.address)
    try:
        deployment.apply()
        world.dns.tell("set-default-ipv4", ip=deployment.address)
        yield deployment
    finally:
        deployment.remove()


@contextlib.contextmanager
def load_on_each(replicas, host):
    """{Pod: Load}, and "service": Load."""
    loads = {pod: Load(8443, host, address=pod.address, threads=1) for pod in replicas.pods}
    loads["service"] = Load(443, host, address=replicas.address, threads=2)
    with contextlib.ExitStack() as running:
        yield {key: running.enter_context(load) for key, load in loads.items()}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_replicas_serve_and_one_of_them_writes_the_status(replicas, kubectl):
    pair = Authority().issue("www.example.com")
    kubectl.apply(*app("app"), tls_secret("tls", pair), ingress("web", [("www.example.com", "/", "app")], tls=[("tls", "www.example.com")]))
    kubectl.wait("deployment/app", "condition=Available")
    replicas.serves("www.example.com", "app")
    assert '"title": "app"' in replicas.asked("www.example.com")
    eventually(lambda: kubectl.get("ingress/web")["status"]["loadBalancer"].get("ingress") == [{"ip": replicas.address}], 30)
    assert eventually(replicas.leader) in replicas.pods


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_annotated_ingress_gets_a_certificate_of_a_ca(replicas, world, cluster, kubectl, namespace):
    name = f"letsencrypt-{namespace}"
    cluster.kubectl.apply(issuer(world, name, "ClusterIssuer"))
    try:
        kubectl.apply(*app("shop"), ingress("shop", [("shop.example.com", "/", "shop")], tls=[("shop-tls", "shop.example.com")],
                                            annotations={"cert-manager.io/cluster-issuer": name}))
        ready(kubectl, "certificate/shop-tls")
        said = described(kubectl, "certificate/shop-tls", ISSUED)
        assert "Stored new private key" in said or "Issuing certificate as Secret does not exist" in said
        described(kubectl, "ingress/shop", 'Successfully created Certificate "shop-tls"')
        # Its account is where the replicas are, its certificate where the Ingress is.
        assert "tls.key" in pair_in(replicas.kubectl, f"{name}-key")
        replicas.shows("shop.example.com", pair_in(kubectl, "shop-tls")["tls.crt"])
        replicas.serves("shop.example.com", "shop")
        trusted = ssl.create_default_context(cafile=str(world.roots()))
        with Load(443, "shop.example.com", address=replicas.address, threads=1, context=trusted) as load:
            eventually(lambda: load.done > 5)
        assert not load.failures, load.failures[:5]
        assert len(world.faults.orders("shop.example.com")) == 1
        # An Ingress that goes takes its Certificate with it.
        kubectl.delete("ingress/shop")
        eventually(lambda: not kubectl("get", "certificates", "-o", "name"), 30, "the Certificate is gone")
        assert 'system:serviceaccount:sekisho:sekisho" cannot' not in replicas.log
    finally:
        cluster.kubectl.delete(f"clusterissuer/{name}")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_leader_that_is_killed_during_an_order_is_followed_by_one_that_goes_on_with_it(replicas, world, cluster, kubectl):
    kubectl.apply(*app("app"), ingress("loaded", [("loaded.example.com", "/", "app")]), issuer(world))
    kubectl.wait("deployment/app", "condition=Available")
    replicas.serves("loaded.example.com", "app")
    ready(kubectl, "issuer/letsencrypt")
    killed = {}

    def kill(_):
        killed["pod"], killed["at"] = replicas.leader(), time.monotonic()
        cluster.api.delete("pods", "sekisho", killed["pod"].name, gracePeriodSeconds=0)

    with load_on_each(replicas, "loaded.example.com") as loads:
        world.faults.inject(call("finalize", kill, "after"))
        kubectl.apply(certificate("web", "web.example.com"))
        eventually(lambda: "at" in killed, 60, "the CA is asked to finalize")
        following = eventually(lambda: (found := replicas.leader()) is not killed["pod"] and found, TAKEN_OVER_WITHIN + 5)
        taken_over = time.monotonic() - killed["at"]
        ready(kubectl, "certificate/web", 60)
        replicas.rolled_out()
    assert taken_over < TAKEN_OVER_WITHIN + 1 and following in replicas.pods
    assert len(world.faults.orders("web.example.com")) == 1
    for pod, load in loads.items():
        assert load.done > 20
        if pod not in (killed["pod"], "service"):
            assert not load.failures, load.failures[:5]
    # Connections of the one that was killed, and no other.
    assert len(loads["service"].failures) <= 2, loads["service"].failures


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_deployment_is_rolled_without_a_failed_request(replicas, kubectl):
    kubectl.apply(*app("app"), ingress("rolled", [("rolled.example.com", "/", "app")]))
    kubectl.wait("deployment/app", "condition=Available")
    replicas.serves("rolled.example.com", "app")
    before = {pod.name for pod in replicas.pods}
    with Load(443, "rolled.example.com", address=replicas.address, threads=3) as load:
        replicas.kubectl("rollout", "restart", "deployment/sekisho")
        replicas.rolled_out(150)
        eventually(lambda: not before & {pod.name for pod in replicas.pods}, 90)
    assert not load.failures, load.failures[:5]
    assert load.done > 100
    # Another leads now, and the status is still there.
    assert eventually(lambda: (found := replicas.leader()) and found.name not in before, 40)
    assert kubectl.get("ingress/rolled")["status"]["loadBalancer"]["ingress"] == [{"ip": replicas.address}]
