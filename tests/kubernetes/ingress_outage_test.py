"""sekisho ingress while the API is away."""

import pytest
from cluster.ingress_edge import IngressEdge
from cluster.load import Load
from cluster.objects import app, ingress, tls_secret
from support.authority import Authority
from support.edge import eventually


@pytest.mark.slow
def test_the_api_may_be_away_and_comes_back(own_cluster, tmp_path):
    authority = Authority()
    kubectl = own_cluster.kubectl.within("default")
    first, second = authority.issue("www.example.com"), authority.issue("www.example.com")
    kubectl.apply(*app("app"), tls_secret("tls", first),
                  ingress("web", [("www.example.com", "/", "app")], tls=[("tls", "www.example.com")]))
    kubectl.wait("deployment/app", "condition=Available")
    edge = IngressEdge(tmp_path / "edge", own_cluster.control_plane.admin_kubeconfig)
    try:
        edge.serves("www.example.com", title="app")
        edge.shows("www.example.com", first)
        with Load(edge.port, "www.example.com", threads=2) as load:
            own_cluster.stop_apiserver()
            eventually(lambda: any("API is away" in each for each in edge.readiness()["warnings"]), 30)
            assert edge.admin("/readyz")[0] == 200
            assert edge.metric("sekisho_kube_watch_connected", resource="secrets") == 0
            before = load.done
            eventually(lambda: load.done > before + 50)
            own_cluster.start_apiserver()
            kubectl.apply(tls_secret("tls", second))
            edge.shows("www.example.com", second, 90)
            eventually(lambda: not any("API is away" in each for each in edge.readiness()["warnings"]), 90)
        assert not load.failures, load.failures[:5]
        edge.stop()
    finally:
        edge.kill()


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
