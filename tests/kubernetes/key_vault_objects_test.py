"""The guides' SecretProviderClass, SecretStore and ExternalSecret: their certificates are read from Key Vault without a Pod that mounts
them, and without the operators."""

import copy
import re

import pytest
import yaml
from azure_world.clouds import PUBLIC, WayThere
from azure_world.event_grid import Subscription
from cluster.cluster import DATA
from cluster.objects import app, ingress, tls_secret
from support.acme_world import eventually_said, said
from support.authority import Authority
from support.edge import eventually

MANIFESTS = DATA / "manifests"
HOST = "www.example.com"
VAULT = "my-vault"


@pytest.fixture(scope="session")
def definitions(cluster):
    """The kinds of the Secrets Store CSI driver and of External Secrets, and nothing else of them."""
    cluster.apply_crds("secrets-store-csi", "external-secrets", "minimal")


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def way(azure):
    """A proxy that leads my-vault.vault.azure.net to the stand-in."""
    made = WayThere(azure, PUBLIC)
    yield made
    made.close()


@pytest.fixture
def run(run_ingress, azure, way, definitions, namespace):
    def begin(*words):
        return run_ingress("--namespace", namespace, *words, settings={"azure": azure.settings},
                           environment={"https_proxy": way.url, "no_proxy": "127.0.0.1,localhost"})
    return begin


def manifest(name, azure, *, without=("Pod", "ServiceAccount")):
    """The objects of a guide, with the reader's values in the place of its <PLACEHOLDERS> and in the test's namespace."""
    text = "".join(c for c in (MANIFESTS / name).read_text(encoding="utf-8") if c.isprintable() or c == "\n")
    values = {"KEYVAULT_NAME": VAULT, "TENANT_ID": azure.tenant, "CSI_IDENTITY_CLIENT_ID": azure.client,
              "MANAGED_IDENTITY_CLIENT_ID": azure.client}
    text = re.sub(r"<([\w-]+)>", lambda found: values[found[1].upper().replace("-", "_")], text)
    objects = [each for each in yaml.safe_load_all(text) if each and each["kind"] not in without]
    for each in objects:
        each["metadata"].pop("namespace", None)
    return objects


def site(kubectl, secret, host=HOST):
    kubectl.apply(*app("app"), ingress("web", [(host, "/", "app")], tls=[(secret, host)]))


def external(name="site", key="app-ssl-certificate", store="azure-store", **more):
    data = [{"secretKey": part, "remoteRef": {"key": key}} for part in ("tls.crt", "tls.key")]
    return {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": name},
            "spec": {"refreshInterval": "1s", "secretStoreRef": {"name": store, "kind": "SecretStore"},
                     "target": {"name": "web-tls", "template": {"type": "kubernetes.io/tls"}}, "data": data, **more}}


def test_the_guides_secret_provider_class_is_served_without_a_mount(run, azure, way, kubectl, authority):
    old, new = authority.issue(HOST), authority.issue(HOST)
    azure.vault.add_certificate("app-ssl-certificate", old, created=1_700_000_000)
    kubectl.apply(*manifest("000-03-secretproviderclass-serviceaccount.yaml", azure))
    site(kubectl, "app-tls-secret")
    edge = run("--key-vault-objects")
    edge.shows(HOST, old)
    edge.serves(HOST, title="app")
    assert way.asked == {f"{VAULT}.vault.azure.net"}
    assert "app-tls-secret" not in [each["metadata"]["name"] for each in kubectl.get("secrets")["items"]]
    eventually_said(edge, "read from its vault", "why", HOST)
    assert "SecretNotFound" not in said(edge, "why", HOST)
    # Two minutes are the poll; an event of Event Grid is quicker.
    version = azure.vault.add_certificate("app-ssl-certificate", new, created=1_700_000_001)
    grid = Subscription(edge.admin_port, "/api/events/key-vault")
    assert grid.new_version(f"https://{VAULT}.vault.azure.net", "app-ssl-certificate", version) == 200
    edge.shows(HOST, new, patience=30)  # ten seconds after the last look at the earliest


def test_an_external_secret_follows_the_vault_by_the_guides_store(run, azure, kubectl, authority):
    old, new = authority.issue(HOST), authority.issue(HOST)
    azure.vault.add_certificate("app-ssl-certificate", old, created=1_700_000_000)
    kubectl.apply(*manifest("002-02-secretstore-externalsecret-pod.yaml", azure), external())
    site(kubectl, "web-tls")
    edge = run("--key-vault-objects")
    edge.shows(HOST, old)
    # Asked for every second, looked at every ten.
    azure.vault.add_certificate("app-ssl-certificate", new, created=1_700_000_001)
    edge.shows(HOST, new, patience=20)
    # The password of the guide's ExternalSecret is not our business.
    assert not [each for each in azure.journal.asked(service="key_vault") if "ExampleSecret" in each.request.path]
    assert "ExampleSecret" not in edge.stderr


def test_secrets_that_are_no_certificates_are_left_alone(run, azure, kubectl, authority):
    kubectl.apply(*manifest("002-01-secretproviderclass-pod.yaml", azure),
                  *manifest("002-02-secretstore-externalsecret-pod.yaml", azure))
    site(kubectl, "synced-secret")
    edge = run("--key-vault-objects")
    eventually_said(edge, "Secret", "why", HOST)
    assert "SecretProviderClass" not in said(edge, "why", HOST) + said(edge, "certs")
    assert azure.journal.asked(service="key_vault") == []


def test_a_broken_object_is_told_and_the_last_good_certificate_stays(run, azure, kubectl, authority):
    pair = authority.issue(HOST)
    azure.vault.add_certificate("app-ssl-certificate", pair)
    [good] = manifest("000-03-secretproviderclass-serviceaccount.yaml", azure)
    kubectl.apply(good)
    site(kubectl, "app-tls-secret")
    edge = run("--key-vault-objects")
    edge.shows(HOST, pair)
    for change, words in (({"keyvaultName": None}, "spec.parameters.keyvaultName: found nothing"),
                          ({"usePodIdentity": "true"}, "spec.parameters.usePodIdentity"),
                          ({"cloudName": "AzureChinaCloud"}, "found `china`"),
                          ({"objects": "array: [ 'objectName: other' ]"}, "an alias of spec.parameters.objects")):
        broken = copy.deepcopy(good)
        broken["spec"]["parameters"].update({key: value for key, value in change.items() if value})
        for key, value in change.items():
            if value is None:
                del broken["spec"]["parameters"][key]
        kubectl.apply(broken)
        for command in (("why", HOST), ("certs",)):
            eventually_said(edge, words, *command)
        eventually_said(edge, "SecretProviderClass", "why", HOST)
        edge.shows(HOST, pair)
    kubectl.apply(good)
    eventually_said(edge, "read from its vault", "why", HOST)


def test_no_token_goes_to_a_vault_that_is_none_of_our_cloud(run, azure, way, kubectl):
    for number, url in enumerate(("https://my-vault.vault.azure.net.example.com", f"https://127.0.0.1:{azure.key_vault.port}",
                                  "https://a.b.vault.azure.net", "https://my-vault.vault.azure.cn")):
        [store, _] = manifest("002-02-secretstore-externalsecret-pod.yaml", azure)
        store["spec"]["provider"]["azurekv"]["vaultUrl"] = url
        kubectl.apply(store, external())
        if number == 0:
            site(kubectl, "web-tls")
            edge = run("--key-vault-objects")
        eventually_said(edge, url, "why", HOST)
        eventually_said(edge, "no token goes elsewhere", "why", HOST)
    store["spec"]["provider"]["azurekv"].update(vaultUrl=f"https://{VAULT}.vault.azure.net", authType="ServicePrincipal")
    kubectl.apply(store)
    eventually_said(edge, "found `ServicePrincipal`", "why", HOST)
    assert way.asked == set() and azure.journal.asked(service="key_vault") == []


def test_an_object_that_is_deleted_takes_its_source_along(run, azure, kubectl, authority):
    pair = authority.issue(HOST)
    azure.vault.add_certificate("app-ssl-certificate", pair)
    kubectl.apply(*manifest("000-03-secretproviderclass-serviceaccount.yaml", azure))
    site(kubectl, "app-tls-secret")
    edge = run("--key-vault-objects")
    edge.shows(HOST, pair)
    kubectl.delete("secretproviderclass/azure-keyvault-tls")
    eventually_said(edge, "it is gone, or says nothing of this Secret any more", "why", HOST)
    eventually(lambda: "sekisho_key_vault_polls_total" not in edge.metrics(), 20, "nothing is polled")
    # As with a Secret that is deleted: while an Ingress names it, its last good certificate is better than none.
    edge.shows(HOST, pair)
    kubectl.delete("ingress/web")
    eventually(lambda: edge.shown(HOST).serial_number != pair.serial, 30, "it is forgotten")


def test_a_secret_that_somebody_fills_counts_by_the_ordinary_rule(run, azure, kubectl, authority):
    old, new = authority.issue(HOST, start=-2), authority.issue(HOST)
    azure.vault.add_certificate("app-ssl-certificate", old)
    kubectl.apply(*manifest("000-03-secretproviderclass-serviceaccount.yaml", azure))
    site(kubectl, "app-tls-secret")
    edge = run("--key-vault-objects")
    edge.shows(HOST, old)
    kubectl.apply(tls_secret("app-tls-secret", new))
    edge.shows(HOST, new)
    assert "not shown" in said(edge, "why", HOST)


def test_without_the_switch_nothing_is_read(run, azure, kubectl, authority):
    azure.vault.add_certificate("app-ssl-certificate", authority.issue(HOST))
    kubectl.apply(*manifest("000-03-secretproviderclass-serviceaccount.yaml", azure))
    site(kubectl, "app-tls-secret")
    edge = run()
    eventually_said(edge, "SecretNotFound", "why", HOST)
    assert azure.journal.asked(service="key_vault") == []
