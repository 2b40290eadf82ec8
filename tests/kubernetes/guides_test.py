"""The guides from end to end: what they apply, with a running `sekisho ingress`, and what they look at afterwards.

Of the manifests nothing is changed but the CA's URL, and the names of what belongs to the whole cluster. What an API server of today
refuses is applied in the form that it takes now. Which manifests those are is asked by manifests_test.py.
"""

import base64
import re

import pytest
import yaml
from azure_world.arm import SUBSCRIPTION
from cluster.certificates import ISSUED, certificate, described, pair_in, ready
from cluster.cluster import DATA
from cluster.objects import app, service, tls_secret
from support.acme_world import AcmeWorld, names_of, shown
from support.authority import Authority
from support.edge import eventually

MANIFESTS = DATA / "manifests"
ADDRESS = "203.0.113.10"


def text_of(name):
    return (MANIFESTS / name).read_text()


def objects_of(text):
    return [each for each in yaml.safe_load_all(text) if each]


def with_the_ca_of(world, text, prefix):
    """The test's CA in the place of Let's Encrypt, and names of its own for what is the whole cluster's."""
    bundle = base64.b64encode(world.faults.trust.read_bytes()).decode()
    text = re.sub(r"( +)server: https://acme[\w-]*\.api\.letsencrypt\.org/directory",
                  rf"\1server: {world.faults.directory}\n\1caBundle: {bundle}", text)
    return re.sub(r"letsencrypt-(prod|staging)", rf"{prefix}-\1", text)


def of_today(text):
    """An Ingress of v1beta1 as the API has it since Kubernetes 1.22."""
    ingress = yaml.safe_load(text)
    ingress["apiVersion"] = "networking.k8s.io/v1"
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            path["pathType"] = "ImplementationSpecific"
            path["backend"] = {"service": {"name": path["backend"]["serviceName"], "port": {"number": path["backend"]["servicePort"]}}}
    return ingress


def apps(kubectl, *names, port=80):
    for name in names:
        deployment, _ = app(name)
        kubectl.apply(deployment, service(name, port))
    for name in names:
        kubectl.wait(f"deployment/{name}", "condition=Available")


def redirected(edge, host, path="/", status=308):
    def right():
        answer = edge.curl(host, path, tls=False)
        return answer.status == status and answer.headers["location"] == f"https://{host}{path}"
    eventually(right, 20, f"http://{host}{path} is answered with {status}")


def issued_by_the_ca(edge, world, host):
    """Waits for the CA's certificate; a client that trusts the CA verifies it."""
    roots = world.roots()
    found = eventually(lambda: shown(edge, host, roots), 30, f"a certificate of the CA for {host}")
    assert "Pebble" in found.issuer.rfc4514_string() and names_of(found) == [host]
    return found


# ---- ingress-nginx and a self-signed certificate (001-01 to 001-03)


@pytest.fixture
def nginx(run_ingress, namespace, cert_manager):
    """With the rights of one namespace: Issuers, no ClusterIssuers."""
    return run_ingress("--namespace", namespace, "--class", "nginx", "--publish-address", ADDRESS)


def test_the_self_signed_issuer_and_its_ingress(nginx, kubectl):
    apps(kubectl, "app1", "app2")
    kubectl.apply(MANIFESTS / "001-01-issuer.yaml", MANIFESTS / "001-02-ingress.yaml")
    ready(kubectl, "certificate/selfsigning-cert")
    described(kubectl, "issuer/selfsigning-issuer", "IsReady")
    said = described(kubectl, "certificate/selfsigning-cert", ISSUED)
    assert "Certificate is up to date and has not expired" in said
    for line in ("Reason: +Ready", "Not After:", "Not Before:", "Renewal Time:", "Secret Name: +selfsigning-cert", "Kind: +Issuer",
                 "digital signature", "key encipherment", "k8s-tutorial.mamezou-tech.com"):
        assert re.search(line, said), said
    assert kubectl("get", "certificate").split()[-4:-1] == ["selfsigning-cert", "True", "selfsigning-cert"]
    said = described(kubectl, "ingress/app-aws-ingress", f"Address:          {ADDRESS}")
    assert 'Successfully created Certificate "selfsigning-cert"' in said
    assert "selfsigning-cert terminates k8s-tutorial.mamezou-tech.com" in said
    said = kubectl.describe("secret/selfsigning-cert")
    assert "Type:  kubernetes.io/tls" in said and "cert-manager.io/issuer-name: selfsigning-issuer" in said
    assert all(re.search(rf"^{key}: +[1-9]\d+ bytes$", said, re.MULTILINE) for key in ("ca.crt", "tls.crt", "tls.key")), said
    host = "k8s-tutorial.mamezou-tech.com"
    eventually(lambda: names_of(nginx.shown(host)) == [host], 20, "the certificate is served")
    assert nginx.serves(host, "/app1", "app1").version == "2"
    nginx.serves(host, "/app2", "app2")
    redirected(nginx, host, "/app1")


def test_the_same_with_an_ingress_of_the_time_before_version_1(nginx, kubectl):
    apps(kubectl, "app1", "app2", port=3000)
    kubectl.apply(MANIFESTS / "001-01-issuer.yaml", of_today(text_of("001-03-ingress.yaml")))
    ready(kubectl, "certificate/selfsigning-cert")
    described(kubectl, "ingress/ingress", 'Successfully created Certificate "selfsigning-cert"')
    assert set(pair_in(kubectl, "selfsigning-cert")) == {"ca.crt", "tls.crt", "tls.key"}
    eventually(lambda: names_of(nginx.shown("frieza.dev")) == ["frieza.dev"], 20, "the certificate is served")
    nginx.serves("frieza.dev", "/app1", "app1")
    nginx.serves("frieza.dev", "/app2", "app2")
    redirected(nginx, "frieza.dev", "/app2")


# ---- ingress-nginx and Let's Encrypt (001-04, 001-05)


def issuer_of_today(text):
    """An Issuer of certmanager.k8s.io, whose fields the guide has one level too far out, as cert-manager.io/v1 has them."""
    spec = yaml.safe_load(text)["spec"]
    return {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": yaml.safe_load(text)["metadata"],
            "spec": {"acme": {"server": spec["server"], **({"caBundle": spec["caBundle"]}), "email": "your-mail@example.com",
                              "privateKeySecretRef": {"name": spec["name"]}, "solvers": [{"http01": {"ingress": {"class": "nginx"}}}]}}}


def test_the_issuer_of_lets_encrypt_and_its_ingress_of_the_time_before_version_1(run_where_the_ca_looks, world, kubectl, namespace):
    edge = run_where_the_ca_looks("--namespace", namespace, "--class", "nginx")
    apps(kubectl, "app1", "app2", port=3000)
    kubectl.apply(issuer_of_today(with_the_ca_of(world, text_of("001-04-issuer.yaml"), "letsencrypt")),
                  of_today(text_of("001-05-ingress.yaml")))
    ready(kubectl, "certificate/letsencrypt-staging")
    said = described(kubectl, "certificate/letsencrypt-staging", ISSUED)
    assert re.search("Secret Name: +letsencrypt-staging", said) and "cloud.frieza.dev" in said
    assert "ACMEAccountRegistered" in kubectl.describe("issuer/letsencrypt-staging")
    assert "acme-client-letsencrypt-staging" in kubectl("get", "secrets")
    described(kubectl, "ingress/ingress", 'Successfully created Certificate "letsencrypt-staging"')
    assert {"tls.crt", "tls.key"} <= set(pair_in(kubectl, "letsencrypt-staging"))
    issued_by_the_ca(edge, world, "cloud.frieza.dev")
    assert edge.serves("cloud.frieza.dev", "/app1", "app1").version == "2"
    redirected(edge, "cloud.frieza.dev", "/app2")
    # Shown for as long as there was something to see.
    eventually(lambda: not kubectl("get", "challenges", "-o", "name"), 20, "no challenge is left")
    assert len(world.faults.orders()) == 1


# ---- Application Gateway for Containers (000-05)


def test_the_cluster_issuer_of_application_gateway_for_containers(run_where_the_ca_looks, world, cluster, kubectl, namespace):
    edge = run_where_the_ca_looks("--class", "azure-alb-external")
    apps(kubectl, "my-app")
    kubectl.apply(with_the_ca_of(world, text_of("000-05-clusterissuer-ingress.yaml"), namespace))
    name = f"{namespace}-prod"
    try:
        ready(kubectl, f"clusterissuer/{name}")
        said = kubectl.describe(f"clusterissuer/{name}")
        assert "ACMEAccountRegistered" in said and "The ACME account was registered with the ACME server" in said
        assert "BEGIN" in pair_in(kubectl, f"{name}-key")["tls.key"].decode()
        ready(kubectl, "certificate/app-tls-secret")
        described(kubectl, "certificate/app-tls-secret", ISSUED)
        serial = issued_by_the_ca(edge, world, "app.example.com").serial_number
        assert edge.serves("app.example.com", title="my-app").version == "2"
        # That gateway redirects only where it is told to, and the guide does not.
        assert edge.curl("app.example.com", tls=False).status == 200
        assert len(world.faults.orders()) == 1
        # "Force a renewal": the Ingress asks for it again, its Secret is good, and nothing is ordered.
        before = kubectl.get("certificate", "app-tls-secret")["metadata"]["uid"]
        kubectl.delete("certificate/app-tls-secret")
        eventually(lambda: kubectl.get("certificate", "app-tls-secret")["metadata"]["uid"] != before, 20, "it is made again")
        ready(kubectl, "certificate/app-tls-secret")
        assert edge.shown("app.example.com").serial_number == serial
        assert len(world.faults.orders()) == 1
    finally:
        cluster.kubectl.delete(f"clusterissuer/{name}")


# ---- AGIC, with what Key Vault's driver mounts (000-01 to 000-04)


@pytest.fixture
def vault(cluster):
    """The driver that mounts what is in a Key Vault, and whoever keeps the Secret of its SecretProviderClass."""
    cluster.apply_crds("secrets-store-csi")
    pair = Authority().issue("app.example.com")
    cluster.node.csi_drivers["secrets-store.csi.k8s.io"] = lambda pod, attributes: {"tls.crt": pair.chain, "tls.key": pair.key}
    yield pair
    del cluster.node.csi_drivers["secrets-store.csi.k8s.io"]


@pytest.fixture
def in_default(cluster, vault):
    """kubectl in `default`, which the guide's files name, with its Deployment that mounts certificates, and a Service for it."""
    kubectl = cluster.kubectl.within("default")
    files = [MANIFESTS / name for name in ("000-03-secretproviderclass-serviceaccount.yaml", "000-04-deployment.yaml")]
    made = [*files, service("my-app")]
    kubectl.apply(*made)
    kubectl.wait("deployment/my-app", "condition=Available", 60)
    yield kubectl
    kubectl.delete("ingress/my-app", "service/my-app", "secret/app-tls-secret", "certificate/app-tls-secret")
    for file in files:
        kubectl.delete("-f", file)


def pods_that_answer(edge, host):
    return {edge.serves(host).told["pod"] for _ in range(8)}


def test_the_ingress_of_agic_over_the_deployment_and_the_secret_of_key_vault(run_ingress, cert_manager, vault, in_default, world):
    """000-02 as the second way of the guide has it: a Secret that the driver keeps, and no issuer."""
    edge = run_ingress("--class", "azure-application-gateway")
    manifest = yaml.safe_load(text_of("000-02-ingress.yaml"))
    del manifest["metadata"]["annotations"]["cert-manager.io/cluster-issuer"]
    in_default.apply(tls_secret("app-tls-secret", vault), manifest)
    edge.shows("app.example.com", vault)
    assert edge.serves("app.example.com").version == "2"
    assert len(eventually(lambda: len(found := pods_that_answer(edge, "app.example.com")) == 2 and found)) == 2
    redirected(edge, "app.example.com")


def test_the_ingress_of_agic_and_its_cluster_issuer(run_where_the_ca_looks, world, cluster, in_default, namespace):
    """000-02 with the guide's issuer by HTTP-01: that of 000-05, which has the same name."""
    edge = run_where_the_ca_looks("--class", "azure-application-gateway")
    issuer, _ = objects_of(with_the_ca_of(world, text_of("000-05-clusterissuer-ingress.yaml"), namespace))
    in_default.apply(issuer, with_the_ca_of(world, text_of("000-02-ingress.yaml"), namespace))
    try:
        ready(in_default, "certificate/app-tls-secret")
        described(in_default, "ingress/my-app", 'Successfully created Certificate "app-tls-secret"')
        assert set(pair_in(in_default, "app-tls-secret")) >= {"tls.crt", "tls.key"}
        issued_by_the_ca(edge, world, "app.example.com")
        assert edge.serves("app.example.com").version == "2"
        redirected(edge, "app.example.com")
    finally:
        cluster.kubectl.delete(f"clusterissuer/{namespace}-prod")


def test_the_cluster_issuers_by_azure_dns_write_into_the_zone(run_ingress, cert_manager, azure, cluster, kubectl, namespace, tmp_path):
    """000-01, with a stand-in for Azure whose ids take the place of the guide's."""
    zone = azure.arm.add_zone("example.com", group="dns-rg")
    world = AcmeWorld(tmp_path / "world", Authority(), faulting=True, name_server=azure.name_server)
    apps(kubectl, "my-app")
    text = text_of("000-01-clusterissuer-clusterissuer.yaml").replace("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", SUBSCRIPTION)
    text = text.replace("<IDENTITY_CLIENT_ID>", azure.client)
    try:
        edge = run_ingress("--class", "azure-application-gateway", "--nameserver", azure.name_server.address,
                           settings={"azure": azure.settings})
        kubectl.apply(with_the_ca_of(world, text, namespace), with_the_ca_of(world, text_of("000-02-ingress.yaml"), namespace))
        ready(kubectl, "certificate/app-tls-secret")
        issued_by_the_ca(edge, world, "app.example.com")
        edge.serves("app.example.com", title="my-app")
        assert azure.journal.asked("RecordSets_CreateOrUpdate", status=201)
        eventually(lambda: not zone.sets, 20, "the record set is gone")
        wildcard = certificate("wildcard", "*.example.com", issuer=f"{namespace}-staging", kind="ClusterIssuer")
        kubectl.apply(wildcard)
        ready(kubectl, "certificate/wildcard")
    finally:
        cluster.kubectl.delete(f"clusterissuer/{namespace}-prod", f"clusterissuer/{namespace}-staging")
        world.close()


# ---- metrics (000-06, 000-08)


def test_the_alerts_and_the_dashboard_find_their_metrics(nginx, kubectl):
    asked = set(re.findall(r"\b(?:x509|certmanager)_\w+", text_of("000-06-prometheusrule.yaml") + text_of("000-08-json.json")))
    assert asked == {"x509_cert_not_after", "certmanager_certificate_ready_status", "certmanager_certificate_expiration_timestamp_seconds"}
    kubectl.apply(MANIFESTS / "001-01-issuer.yaml", MANIFESTS / "001-02-ingress.yaml")
    ready(kubectl, "certificate/selfsigning-cert")
    eventually(lambda: nginx.metric("x509_cert_not_after", secret_name="selfsigning-cert") > 0, 20)
    metrics = nginx.metrics()
    assert asked <= set(metrics)
    labels, _ = next(each for each in metrics["x509_cert_not_after"] if each[0].get("secret_name") == "selfsigning-cert")
    assert labels["subject_CN"] == "k8s-tutorial.mamezou-tech.com"

    def of_it():
        return {labels["condition"]: value for labels, value in nginx.metrics()["certmanager_certificate_ready_status"]
                if labels["name"] == "selfsigning-cert" and labels["namespace"] == kubectl.namespace}
    eventually(lambda: of_it()["True"] == 1 and of_it()["False"] == 0, 20)
