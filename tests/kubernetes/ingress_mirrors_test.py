"""Copies of certificates in other namespaces, with the rights of deploy/kubernetes and no others."""

import base64

import pytest
import yaml
from cluster.objects import app, ingress, secret, service_account, tls_secret
from support.authority import Authority
from support.edge import ROOT, eventually

COMPONENTS = ROOT / "deploy" / "kubernetes" / "components"
HOST = "www.example.com"


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def account(cluster, kubectl, namespace):
    """The kubeconfig of a service account with the rights to serve all namespaces and to mirror."""
    documents = [service_account("sekisho")]
    for path in (COMPONENTS.parent / "base" / "own_namespace_role.yaml", COMPONENTS / "cluster_wide" / "serve_role.yaml",
                 COMPONENTS / "mirrors" / "mirror_roles.yaml"):
        for document in yaml.safe_load_all(path.read_text()):
            # Cluster roles are everybody's: under names of this test's own.
            for part in (document["metadata"], document.get("roleRef", {})):
                if "name" in part:
                    part["name"] += f"-{namespace}"
            for subject in document.get("subjects", ()):
                subject["namespace"] = namespace
            documents.append(document)
    kubectl.apply(*documents)
    yield cluster.control_plane.kubeconfig_of(namespace, "sekisho")
    for document in documents:
        if document["kind"].startswith("ClusterRole"):
            cluster.kubectl.delete(f"{document['kind'].lower()}/{document['metadata']['name']}", wait=False)


@pytest.fixture
def edge(run_ingress, account):
    return run_ingress("--mirrors", kubeconfig=account)


@pytest.fixture
def other(cluster):
    """kubectl in another namespace, which accepts nothing yet."""
    name = cluster.new_namespace()
    yield cluster.kubectl.within(name)
    cluster.drop_namespace(name)


def name_of(kubectl):
    return kubectl.namespace


def accept(cluster, kubectl, source):
    cluster.kubectl("annotate", "--overwrite", "namespace", name_of(kubectl), f"sekisho.io/accept-mirrors-from={source}")


def held(kubectl, name):
    """What tls.crt of a Secret is; None: there is no such Secret."""
    for each in kubectl.get("secrets")["items"]:
        if each["metadata"]["name"] == name:
            return base64.b64decode(each.get("data", {}).get("tls.crt", ""))
    return None


def follows(kubectl, name, pair):
    eventually(lambda: held(kubectl, name) == pair.chain, 20, f"the mirror {name} follows")


def told(kubectl, reason, text):
    def found():
        return any(each["reason"] == reason and text in each["message"] for each in kubectl.get("events")["items"])
    eventually(found, 20, f"{reason}: {text}")


def test_a_secret_is_copied_where_the_other_side_accepts_it(edge, cluster, kubectl, namespace, other, authority):
    target = name_of(other)
    first, second = authority.issue(HOST), authority.issue(HOST)
    kubectl.apply(tls_secret("web", first), *app("app"), ingress("web", [(HOST, "/", "app")], tls=[("web", HOST)]))
    kubectl("annotate", "secret", "web", f"sekisho.io/mirror-to={target}")
    told(kubectl, "MirrorRefused", f"namespace {target} does not take Secrets of {namespace}")
    assert held(other, "web") is None
    eventually(lambda: edge.metric("sekisho_mirrors", state="refused") == 1)

    accept(cluster, other, namespace)
    follows(other, "web", first)
    told(kubectl, "Mirrored", f"{target}/web")
    mirror = other.get("secret/web")
    assert mirror["type"] == "kubernetes.io/tls"
    assert mirror["metadata"]["labels"]["sekisho.io/mirror"] == "true"
    assert mirror["metadata"]["annotations"]["sekisho.io/mirror-of"] == f"{namespace}/web"

    kubectl.apply(tls_secret("web", second))
    follows(other, "web", second)
    eventually(lambda: edge.metric("sekisho_mirror_fingerprint_match", mirror_namespace=target) == 1)
    eventually(lambda: edge.metric("sekisho_mirror_lag_seconds", mirror_namespace=target) == 0)
    edge.shows(HOST, second)
    eventually(lambda: f"{target}/web, the same since" in edge.admin(f"/api/why?host={HOST}")[1])

    # Put right when somebody writes into it.
    other.patch("secret", "web", {"data": {"tls.crt": base64.b64encode(first.chain).decode()}})
    follows(other, "web", second)

    # Not wanted any more: left alone, and not even deleted.
    accept(cluster, other, "nobody")
    eventually(lambda: edge.metric("sekisho_mirrors", state="refused") == 1)
    kubectl("annotate", "secret", "web", "sekisho.io/mirror-to-")
    eventually(lambda: edge.metric("sekisho_mirrors", state="refused") == 0)
    assert held(other, "web") == second.chain

    # Accepted and not named: it goes.
    accept(cluster, other, f"{namespace}/web")
    eventually(lambda: held(other, "web") is None, 20)


def test_a_foreign_secret_is_never_touched(edge, cluster, kubectl, namespace, other, authority):
    target = name_of(other)
    pair, renewed = authority.issue(HOST), authority.issue(HOST)
    accept(cluster, other, namespace)
    other.apply(secret("web", password="theirs"))
    kubectl.apply(tls_secret("web", pair))
    kubectl("annotate", "secret", "web", f"sekisho.io/mirror-to={target}")
    told(kubectl, "MirrorRefused", "is no mirror")
    assert other.get("secret/web")["data"] == {"password": base64.b64encode(b"theirs").decode()}
    # Its owner says that it may be.
    other("annotate", "secret", "web", f"sekisho.io/accept-mirror-of={namespace}/web")
    follows(other, "web", pair)
    assert "password" in other.get("secret/web")["data"]
    # The source goes, the mirror stays, and follows what comes in its place.
    kubectl.delete("secret/web")
    eventually(lambda: edge.metric("sekisho_mirrors") == 0)
    assert held(other, "web") == pair.chain
    kubectl.apply(tls_secret("web", renewed))
    kubectl("annotate", "secret", "web", f"sekisho.io/mirror-to={target}")
    follows(other, "web", renewed)


def test_another_replica_goes_on_and_without_the_switch_nothing_is_written(run_ingress, account, cluster, kubectl, namespace, other, authority):
    pair = authority.issue(HOST)
    accept(cluster, other, namespace)
    kubectl.apply(tls_secret("web", pair))
    kubectl("annotate", "secret", "web", f"sekisho.io/mirror-to={name_of(other)}")
    off = run_ingress(kubeconfig=account)
    told(kubectl, "MirrorRefused", "--mirrors")
    off.stop()
    assert held(other, "web") is None
    first = run_ingress("--mirrors", kubeconfig=account)
    follows(other, "web", pair)
    second = run_ingress("--mirrors", kubeconfig=account)
    first.stop()
    renewed = authority.issue(HOST)
    kubectl.apply(tls_secret("web", renewed))
    follows(other, "web", renewed)
    eventually(lambda: second.metric("sekisho_mirrors", state="in_step") == 1)  # it knows the answer after the API has the change
