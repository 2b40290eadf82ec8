"""deploy/kubernetes: what it renders is accepted by an API server, asks for no more rights than it needs, and runs."""

import os
import ssl
import urllib.request

import pytest
import yaml
from cluster.objects import secret
from cryptography.x509 import load_pem_x509_certificate
from support.authority import Authority
from support.edge import ROOT, eventually, free_port

DEPLOY = ROOT / "deploy" / "kubernetes"
OVERLAYS = sorted(path.name for path in (DEPLOY / "overlays").iterdir())
ACCOUNT = "system:serviceaccount:sekisho:sekisho"


def rendered(kubectl, overlay):
    return [each for each in yaml.safe_load_all(kubectl("kustomize", DEPLOY / "overlays" / overlay)) if each]


def one(objects, kind):
    return next(each for each in objects if each["kind"] == kind)


@pytest.fixture(scope="module")
def home(cluster):
    """The namespace of the overlays, with what they say of it."""
    cluster.apply_crds("cert-manager")
    cluster.kubectl.apply(one(rendered(cluster.kubectl, "ingress"), "Namespace"))
    yield "sekisho"
    cluster.drop_namespace("sekisho")


@pytest.fixture(scope="module")
def granted(cluster, home):
    """granted(verb, resource, namespace) asks what the service account may do, with the roles of the overlay applied."""
    roles = [each for each in rendered(cluster.kubectl, "ingress")
             if each["apiVersion"].startswith("rbac") or each["kind"] == "ServiceAccount"]
    cluster.kubectl.apply(*roles)
    yield lambda verb, resource, namespace="default": cluster.kubectl.may(verb, resource, "--as", ACCOUNT, "-n", namespace)
    for each in roles:
        if each["kind"].startswith("Cluster"):
            cluster.kubectl.delete(f"{each['kind']}/{each['metadata']['name']}")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_api_accepts_each_overlay_without_a_warning(cluster, home, namespace, overlay):
    words = ["apply", "--dry-run=server", "-k", DEPLOY / "overlays" / overlay]
    said = cluster.kubectl.run(*words, *([] if overlay in ("ingress", "application_gateway") else ["-n", namespace]))
    assert "Warning" not in said.stderr
    assert "(server dry run)" in said.stdout


def test_its_pods_pass_the_restricted_policy(cluster, home):
    for overlay in ("ingress", "application_gateway"):
        template = one(rendered(cluster.kubectl, overlay), "Deployment")["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "checked", "namespace": home},
               "spec": {**template["spec"], "serviceAccountName": "default"}}
        cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod))


@pytest.mark.parametrize("verb, resource, namespace", [
    ("delete", "secrets", "default"), ("list", "pods", "default"), ("create", "pods", "default"), ("delete", "ingresses", "default"),
    ("update", "ingresses", "default"), ("get", "configmaps", "default"), ("create", "leases", "default"), ("list", "nodes", ""),
    ("create", "serviceaccounts/token", "sekisho"), ("create", "clusterrolebindings", ""), ("delete", "clusterissuers", ""),
    ("update", "services", "default"), ("impersonate", "users", ""), ("get", "pods/exec", "sekisho"), ("update", "secrets", "default"),
    ("get", "leases", "kube-system"), ("update", "certificates", "default"), ("update", "ingresses/status", "default")])
def test_it_may_not(granted, verb, resource, namespace):
    assert not granted(verb, resource, namespace or "default")


@pytest.mark.parametrize("verb, resource, namespace", [
    ("watch", "ingresses", "default"), ("list", "ingressclasses", "default"), ("watch", "endpointslices.discovery.k8s.io", "default"),
    ("list", "services", "default"), ("list", "secrets", "default"), ("patch", "ingresses/status", "default"),
    ("create", "events", "default"), ("patch", "events", "default"), ("update", "leases", "sekisho"), ("delete", "secrets", "sekisho"),
    ("patch", "secrets", "default"), ("patch", "certificates/status", "default"), ("create", "certificates", "default"),
    ("list", "clusterissuers", "default"), ("patch", "clusterissuers/status", "default"), ("delete", "challenges", "default"),
    ("create", "secrets", "default"), ("update", "ingresses/finalizers", "default")])
def test_it_may(granted, verb, resource, namespace):
    assert granted(verb, resource, namespace)


def test_it_may_see_whether_a_cert_manager_leads_and_no_other_lease(cluster, granted):
    def may(name, namespace):
        words = ["auth", "can-i", "get", f"leases/{name}", "--as", ACCOUNT, "-n", namespace]
        return cluster.kubectl.run(*words, check=False).returncode == 0
    assert may("cert-manager-controller", "kube-system") and may("cert-manager-controller", "cert-manager")
    assert not may("kube-scheduler", "kube-system")


def test_the_webhook_is_a_component_of_the_overlay(cluster, home, tmp_path):
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({
        "namespace": home, "resources": [os.path.relpath(DEPLOY / "overlays" / "ingress", tmp_path)],
        "components": [os.path.relpath(DEPLOY / "components" / "webhook", tmp_path)]}))
    said = cluster.kubectl.run("apply", "--dry-run=server", "-k", tmp_path)
    assert "Warning" not in said.stderr
    objects = [each for each in yaml.safe_load_all(cluster.kubectl("kustomize", tmp_path)) if each]
    configuration = one(objects, "ValidatingWebhookConfiguration")
    args = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert f"--webhook-configuration={configuration['metadata']['name']}" in args
    hook = configuration["webhooks"][0]
    assert hook["failurePolicy"] == "Ignore" and hook["sideEffects"] == "None"
    asked = hook["clientConfig"]["service"]
    assert any(each["kind"] == "Service" and each["metadata"]["name"] == asked["name"]
               and each["metadata"]["namespace"] == asked["namespace"] for each in objects)


def test_mirrors_are_a_component_of_the_overlay(cluster, home, tmp_path):
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({
        "namespace": home, "resources": [os.path.relpath(DEPLOY / "overlays" / "ingress", tmp_path)],
        "components": [os.path.relpath(DEPLOY / "components" / "mirrors", tmp_path)]}))
    said = cluster.kubectl.run("apply", "--dry-run=server", "-k", tmp_path)
    assert "Warning" not in said.stderr
    objects = [each for each in yaml.safe_load_all(cluster.kubectl("kustomize", tmp_path)) if each]
    assert "--mirrors" in one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
    for name in ("sekisho-mirror", "sekisho-mirror-target"):
        binding = next(each for each in objects if each["kind"] == "ClusterRoleBinding" and each["metadata"]["name"] == name)
        assert binding["roleRef"]["name"] == name
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "sekisho", "namespace": home}]


@pytest.mark.parametrize("overlay, component, roles", [
    ("ingress", "key_vault_objects", {"ClusterRole"}), ("namespaced", "key_vault_objects_namespaced", {"Role"})])
def test_objects_of_key_vaults_are_a_component(cluster, home, tmp_path, overlay, component, roles):
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({
        "namespace": home, "resources": [os.path.relpath(DEPLOY / "overlays" / overlay, tmp_path)],
        "components": [os.path.relpath(DEPLOY / "components" / component, tmp_path)]}))
    said = cluster.kubectl.run("apply", "--dry-run=server", "-k", tmp_path)
    assert "Warning" not in said.stderr
    objects = [each for each in yaml.safe_load_all(cluster.kubectl("kustomize", tmp_path)) if each]
    assert {each["kind"] for each in objects if each["metadata"]["name"] == "sekisho-key-vault-objects"
            and not each["kind"].endswith("Binding")} == roles
    pod = one(objects, "Deployment")["spec"]["template"]
    assert pod["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    assert "--key-vault-objects" in pod["spec"]["containers"][0]["args"]


def test_the_namespaced_overlay_has_no_right_beyond_its_namespace(kubectl):
    kinds = {each["kind"] for each in rendered(kubectl, "namespaced")}
    assert not kinds & {"ClusterRole", "ClusterRoleBinding", "IngressClass", "Namespace"}
    assert "--namespace=$(POD_NAMESPACE)" in one(rendered(kubectl, "namespaced"), "Deployment")["spec"]["template"]["spec"][
        "containers"][0]["args"]


def test_the_sidecar_serves_its_app_and_follows_its_certificate(cluster, kubectl, namespace, tmp_path):
    authority, port, app_port = Authority(), free_port(), free_port()
    first, second = authority.issue("app.example.com"), authority.issue("app.example.com")

    def keep(pair):
        kubectl.apply(secret("app-tls-secret", "kubernetes.io/tls", **{"tls.crt": pair.chain.decode(), "tls.key": pair.key.decode()}))

    # The ports of one machine are shared: what differs from the overlay is those, and that there is one replica.
    overlay = DEPLOY / "overlays" / "sidecar"
    text = (overlay / "sekisho.yaml").read_text()
    ports = {":8443": f"127.0.0.1:{port}", "127.0.0.1:9180": f"127.0.0.1:{free_port()}", "127.0.0.1:3000": f"127.0.0.1:{app_port}"}
    (tmp_path / "sekisho.yaml").write_text(text.replace('":8443"', ports[":8443"]).replace("127.0.0.1:9180", ports["127.0.0.1:9180"])
                                           .replace("127.0.0.1:3000", ports["127.0.0.1:3000"]))
    app = [{"op": "replace", "path": "/spec/template/spec/containers/0/env",
            "value": [{"name": "PORT", "value": str(app_port)}, {"name": "POD_IP", "value": "127.0.0.1"}]},
           {"op": "replace", "path": "/spec/template/spec/containers/0/lifecycle/preStop/sleep/seconds", "value": 1},
           {"op": "replace", "path": "/spec/template/spec/containers/1/readinessProbe/exec/command/3",
            "value": ports["127.0.0.1:9180"]}]
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({
        "resources": [os.path.relpath(overlay, tmp_path)], "replicas": [{"name": "app", "count": 1}],
        "configMapGenerator": [{"name": "sekisho", "behavior": "replace", "files": ["sekisho.yaml"]}],
        "patches": [{"target": {"kind": "Deployment"}, "patch": yaml.safe_dump(app)}]}))
    keep(first)
    kubectl.apply(tmp_path)
    kubectl.wait("deployment/app", "condition=Available", 60)

    def shown():
        context = ssl.create_default_context(cadata=authority.pem.decode())
        context.check_hostname = False
        with urllib.request.urlopen(urllib.request.Request(f"https://127.0.0.1:{port}/", headers={"Host": "app.example.com"}),
                                    context=context) as answer:
            assert answer.status == 200
        return load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", port)).encode()).serial_number

    # The app has no probe of its own: what is available may not listen yet.
    eventually(lambda: shown() == first.serial, 20)
    keep(second)
    eventually(lambda: shown() == second.serial, 20)
