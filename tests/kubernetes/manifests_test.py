"""The manifests of the guides: which of them an API server of today accepts, as people apply them."""

import re

import pytest
from cluster.cluster import DATA
from cluster.kubectl import KubectlError

MANIFESTS = DATA / "manifests"
# file -> what tests/data/manifests/INDEX.md says of it
TOLD = {name: verdict for name, verdict in re.findall(r"^\| `([^`]+)` \|.*\| ([^|]+) \|$", (MANIFESTS / "INDEX.md").read_text(),
                                                      re.MULTILINE)}
REFUSED = [name for name, verdict in TOLD.items() if verdict.startswith("**refuses**")]
ACCEPTED = [name for name, verdict in TOLD.items() if verdict.startswith("accepts")]


@pytest.fixture(scope="module")
def definitions(cluster):
    cluster.apply_crds("cert-manager", "secrets-store-csi", "external-secrets", "minimal")
    for name in ("monitoring", "velero"):
        cluster.api.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def test_every_manifest_is_in_the_index():
    files = {path.name for path in MANIFESTS.iterdir()} - {"INDEX.md"}
    assert files == set(TOLD)
    assert len(ACCEPTED) + len(REFUSED) == len(files) - 1


@pytest.mark.parametrize("name", REFUSED)
def test_versions_that_kubernetes_no_longer_has_are_refused(kubectl, definitions, name):
    with pytest.raises(KubectlError, match="no matches for kind \"Ingress\""):
        kubectl.apply(MANIFESTS / name)


@pytest.mark.parametrize("name", ACCEPTED)
def test_the_api_accepts_what_the_guides_apply(cluster, kubectl, definitions, name):
    # A namespace of its own, unless the guide names one.
    if re.search(r"^  namespace:", (MANIFESTS / name).read_text(), re.MULTILINE):
        kubectl = cluster.kubectl
    try:
        kubectl.apply(MANIFESTS / name)
        assert kubectl("get", "-f", MANIFESTS / name, "-o", "name")
    finally:
        kubectl("delete", "--wait=false", "--ignore-not-found", "-f", MANIFESTS / name)
