"""The guides from end to end: what they apply, with a running `sekisho ingress`, and what they look at afterwards.

Of the manifests nothing is changed but the CA's URL, and the names of what belongs to the whole cluster and of keys in it. Whether
the API takes each of them is asked by manifests_test.py.
"""

import base64
import re
import ssl

import pytest
import yaml
from cluster.certificates import ISSUED, condition, described, pair_in, ready
from cluster.cluster import DATA
from cluster.objects import app, service, service_account
from support.acme_world import names_of, shown
from support.edge import eventually

MANIFESTS = DATA / "manifests"
TUTORIAL = "k8s-tutorial.mamezou-tech.com"


def text_of(name):
    return (MANIFESTS / name).read_text()


def with_the_ca_of(world, text, prefix):
    """The test's CA in the place of Let's Encrypt, and names of its own for what is the cluster's."""
    bundle = base64.b64encode(world.faults.trust.read_bytes()).decode()
    text = re.sub(r"server: https://acme[\w-]*\.api\.letsencrypt\.org/directory",
                  f"server: {world.faults.directory}\n    caBundle: {bundle}", text)
    return re.sub(r"letsencrypt-(prod|staging)", rf"{prefix}-\1", text)


def available(kubectl, *names):
    for name in names:
        kubectl.wait(f"deployment/{name}", "condition=Available")


def verified(edge, host, roots):
    """The certificate that is served, after a client has verified it up to the CA."""
    return eventually(lambda: shown(edge, host, roots), 30, f"a certificate of the CA for {host}")


# ---- cert-manager and ingress-nginx (001)


@pytest.fixture
def nginx(run_ingress, namespace, cert_manager):
    """With the rights of one namespace: Issuers, no ClusterIssuers."""
    return run_ingress("--namespace", namespace, "--class", "nginx")
