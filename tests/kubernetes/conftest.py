"""Fixtures: one cluster for the session, a namespace for a test. Where its parts are missing nothing is left out in silence."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
sys.path.append(str(HERE.parent / "azure"))

from azure_world.world import AzureWorld  # noqa: E402
from cluster.cluster import Cluster  # noqa: E402
from cluster.control_plane import needs  # noqa: E402
from cluster.ingress_edge import IngressEdge  # noqa: E402
from support.acme_world import AcmeWorld  # noqa: E402
from support.authority import Authority  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    if missing := needs():
        terminalreporter.section("KUBERNETES IS NOT TESTED", sep="!")
        for each in missing:
            terminalreporter.line(each)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A Cluster without any CRD. Tests share it: whoever breaks it takes `own_cluster`."""
    missing = needs()
    assert not missing, "; ".join(missing)
    shared = Cluster(tmp_path_factory.mktemp("cluster")).start()
    yield shared
    shared.close()


@pytest.fixture
def own_cluster(tmp_path):
    """A Cluster of the test's own."""
    assert not needs(), "; ".join(needs())
    own = Cluster(tmp_path / "cluster").start()
    yield own
    own.close()


@pytest.fixture
def namespace(cluster):
    """The name of a namespace for this test alone."""
    name = cluster.new_namespace()
    yield name
    cluster.drop_namespace(name)


@pytest.fixture
def kubectl(cluster, namespace):
    """The administrator's kubectl, in the test's namespace."""
    return cluster.kubectl.within(namespace)


@pytest.fixture
def run_ingress(cluster, namespace, tmp_path):
    """run_ingress("--namespace", …) is a running IngressEdge with the rights of an administrator; ends with the test."""
    edges = []

    def run(*words, kubeconfig=None, **options):
        edges.append(IngressEdge(tmp_path / f"ingress-{len(edges)}", kubeconfig or cluster.control_plane.admin_kubeconfig, *words,
                                 namespace=namespace, **options))
        return edges[-1]
    yield run
    for edge in edges:
        edge.kill()


# ---- certificates


@pytest.fixture(scope="session")
def cert_manager(cluster):
    """Its definitions in the shared cluster, and nothing else of it."""
    cluster.apply_crds("cert-manager")


@pytest.fixture
def world(tmp_path):
    """A CA, with a server before it that counts. It looks for challenges at ports of its own, on 127.0.0.1 unless its DNS is told
    otherwise."""
    made = AcmeWorld(tmp_path / "world", Authority(), faulting=True)
    yield made
    made.close()


@pytest.fixture
def run_where_the_ca_looks(run_ingress, world, cert_manager):
    """run(*words) is an edge on the ports where the world's CA looks; several need an `address` each."""
    def run(*words, **options):
        return run_ingress("--nameserver", world.dns.address, "--challenge-http-port", world.http_port, "--challenge-tls-port",
                           world.tls_port, *words, ports=(world.tls_port, world.http_port), **options)
    return run


@pytest.fixture
def azure(tmp_path):
    """A stand-in for Azure (docs/azure_tests.md). A request that the published documents do not allow fails the test."""
    made = AzureWorld(tmp_path / "azure")
    yield made
    made.close()
    assert made.journal.violations == []
