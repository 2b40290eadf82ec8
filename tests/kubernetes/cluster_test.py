"""The cluster of the tests itself: that what other tests build on is real. Failures before happy ends."""

import ssl

import pytest
from cluster.api import Api, ApiError
from cluster.control_plane import version
from cluster.kubectl import KubectlError
from cluster.objects import role, role_binding, secret, service_account


def test_an_unknown_client_is_refused(cluster):
    plane = cluster.control_plane
    stranger = Api(lambda: (plane.port, plane.credentials.server_ca, None, None))
    with pytest.raises(ApiError) as refused:
        stranger.list("secrets")
    assert refused.value.status == 403


def test_a_token_of_another_cluster_is_refused(cluster):
    plane = cluster.control_plane
    header, body, signature = plane.token("default", "default").split(".")
    stranger = Api(lambda: (plane.port, plane.credentials.server_ca, None, f"{header}.{body}.{signature[::-1]}"))
    with pytest.raises(ApiError) as refused:
        stranger.list("secrets")
    assert refused.value.status == 401


def test_the_certificate_of_the_api_is_checked(cluster):
    plane = cluster.control_plane
    trusting_another = Api(lambda: (plane.port, plane.credentials.folder / "client-ca.pem", None, None))
    with pytest.raises(ssl.SSLCertVerificationError):
        trusting_another.list("pods")


def test_rbac_refuses_what_is_not_granted_and_allows_what_is(cluster, kubectl, namespace):
    kubectl.apply(service_account("reader"), role("reader", (["get", "list"], ["secrets"])), role_binding("reader", "reader"),
                  secret("one", word="text"))
    reader = cluster.kubectl_as(namespace, "reader")
    with pytest.raises(KubectlError, match="forbidden"):
        reader("delete", "secret", "one")
    with pytest.raises(KubectlError, match="forbidden"):
        reader("get", "secrets", "-n", "kube-system")
    assert not reader.may("list", "pods")
    assert reader.get("secret", "one")["data"]["word"] == "dGV4dA=="


def test_an_object_against_its_schema_is_refused(cluster, kubectl):
    cluster.apply_crds("cert-manager")
    with pytest.raises(KubectlError, match="unknown field|spec.privateKey.algorithm"):
        kubectl.apply({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "bad"},
                       "spec": {"secretName": "s", "issuerRef": {"name": "i"}, "privateKey": {"algorithm": "DSA"}}})


@pytest.mark.parametrize("group, kinds", [
    ("cert-manager", ["certificates", "issuers", "clusterissuers", "orders", "challenges", "certificaterequests"]),
    ("secrets-store-csi", ["secretproviderclasses"]),
    ("external-secrets", ["externalsecrets"]),
    ("minimal", ["prometheusrules", "schedules", "secretstores"]),
])
def test_published_definitions_are_served(cluster, kubectl, group, kinds):
    cluster.apply_crds(group)
    for kind in kinds:
        assert kubectl.get(kind, "-A")["kind"] == "List"


def test_garbage_collection_follows_owners(kubectl):
    kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}})
    uid = kubectl.get("configmap", "owner")["metadata"]["uid"]
    owned = secret("owned", word="text")
    owned["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}]
    kubectl.apply(owned)
    kubectl.delete("configmap/owner")
    kubectl.wait("secret/owned", "delete")


def test_its_version_is_that_of_its_module(cluster, kubectl):
    assert version().startswith("Kubernetes v1.")
    told = kubectl("version", "-o", "json")
    assert version().split()[1] in told
