"""`sekisho ingress --webhook`: Ingresses are looked at before they are written."""

import http.client
import json
import socket
import ssl
import threading

import pytest
from cluster.objects import app, ingress
from cryptography.x509 import load_der_x509_certificate
from support.edge import eventually, free_port

BAD = {"nginx.ingress.kubernetes.io/proxy-read-timeout": "soon"}


def configuration(name, namespace, port, policy="Fail"):
    """Of this test's namespace alone: other tests share the cluster."""
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": name},
            "webhooks": [{"name": "ingresses.sekisho.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                          "failurePolicy": policy, "timeoutSeconds": 5,
                          "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                          "rules": [{"apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"], "resources": ["ingresses"],
                                     "operations": ["CREATE", "UPDATE"]}],
                          "clientConfig": {"url": f"https://127.0.0.1:{port}/validate"}}]}


@pytest.fixture
def hooked(cluster, kubectl, namespace, run_ingress):
    """hooked(*words, policy=…) is an edge whose webhook the API server believes, and the webhook's port."""
    def run(*words, policy="Fail"):
        port = free_port()
        # Nothing may fail while nobody has been told yet.
        cluster.kubectl.apply(configuration(namespace, namespace, port, "Ignore"))
        edge = run_ingress("--namespace", namespace, "--webhook", f"127.0.0.1:{port}", "--webhook-configuration", namespace, *words)

        def asked():
            return "soon" in kubectl.run("apply", "--dry-run=server", "-f", "-", check=False, stdin=json.dumps(
                ingress("probe", [("probe.example.com", "/", "app1")], annotations=BAD))).stderr
        eventually(asked, 20, "the API server asks")
        if policy == "Fail":
            change = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Fail"}]
            cluster.kubectl.patch("validatingwebhookconfiguration", namespace, change, "json")
        return edge, port
    yield run
    cluster.kubectl.delete(f"validatingwebhookconfiguration/{namespace}")


def apply(kubectl, *objects, dry=False):
    text = "\n---\n".join(json.dumps(each) for each in objects)
    return kubectl.run("apply", *(["--dry-run=server"] if dry else []), "-f", "-", stdin=text, check=False)


def shown(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as raw, context.wrap_socket(raw) as secured:
        return load_der_x509_certificate(secured.getpeercert(binary_form=True))


def test_a_bad_ingress_is_refused_with_the_sentence_and_a_good_one_passes(hooked, kubectl, namespace):
    hooked()
    refused = apply(kubectl, ingress("web", [("www.example.com", "/", "app1")], annotations=BAD))
    assert refused.returncode != 0
    assert "sekisho would not serve it" in refused.stderr and "proxy-read-timeout" in refused.stderr and "found `soon`" in refused.stderr
    assert kubectl.run("get", "ingress", "web", check=False).returncode != 0
    good = apply(kubectl, *app("app1"), ingress("web", [("www.example.com", "/", "app1")]))
    assert good.returncode == 0 and "Warning" not in good.stderr, good.stderr
    # What there is can be made better and not worse, and others' Ingresses are nobody's business.
    worse = apply(kubectl, ingress("web", [("www.example.com", "/", "app1")], annotations=BAD))
    assert worse.returncode != 0
    assert apply(kubectl, ingress("theirs", [("www.example.com", "/", "app1")], class_name="nginx", annotations=BAD)).returncode == 0
    assert kubectl.delete("ingress/web")


def test_kubectl_prints_what_would_be_served_differently(hooked, kubectl, namespace):
    hooked()
    unknown = apply(kubectl, ingress("web", [("www.example.com", "/", "app1")], annotations={"nginx.ingress.kubernetes.io/no-such-thing": "1"}))
    assert unknown.returncode == 0
    assert "Warning: UnknownAnnotation" in unknown.stderr and "no-such-thing" in unknown.stderr
    eventually(lambda: "belong to Ingress" in apply(kubectl, ingress("second", [("www.example.com", "/", "app1")]), dry=True).stderr, 15,
               "an older Ingress is named")
    assert f"{namespace}/web" in apply(kubectl, ingress("second", [("www.example.com", "/", "app1")]), dry=True).stderr


def test_what_was_wrong_before_keeps_nobody_from_changing_something_else(cluster, hooked, kubectl, run_ingress, namespace):
    kubectl.apply(ingress("web", [("www.example.com", "/", "app1")], annotations=BAD))
    hooked()
    done = kubectl.run("label", "ingress", "web", "team=shop", check=False)
    assert done.returncode == 0 and "Warning" in done.stderr, done.stderr


def test_without_sekisho_ingresses_can_still_be_applied(hooked, kubectl):
    edge, _ = hooked(policy="Ignore")
    assert apply(kubectl, ingress("web", [("www.example.com", "/", "app1")], annotations=BAD)).returncode != 0
    edge.kill()
    assert apply(kubectl, ingress("web", [("www.example.com", "/", "app1")], annotations=BAD)).returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_certificate_is_renewed_without_a_failed_admission(hooked, kubectl, namespace, cluster):
    _, port = hooked("--webhook-lifetime", "24")
    seen, failures, stop = set(), [], threading.Event()

    def ask():
        number = 0
        while not stop.is_set():
            number += 1
            done = apply(kubectl, ingress("web", [(f"w{number}.example.com", "/", "app1")]), dry=True)
            if done.returncode != 0:
                failures.append(done.stderr)
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        eventually(lambda: seen.add(shown(port).serial_number) or len(seen) >= 3, 120, "three certificates")
    finally:
        stop.set()
        asking.join()
    assert not failures, failures[:3]
    # What is believed is short: nothing that is not shown any more for long.
    bundle = cluster.kubectl.get("validatingwebhookconfiguration", namespace)["webhooks"][0]["clientConfig"]["caBundle"]
    import base64
    assert base64.b64decode(bundle).count(b"BEGIN CERTIFICATE") <= 3


def test_strangers_get_little(hooked):
    _, port = hooked()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def status(method, path, body=None, kind="application/json"):
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        try:
            connection.request(method, path, body, {"Content-Type": kind})
            return connection.getresponse().status
        except (ConnectionError, ssl.SSLError):
            return "closed"
        finally:
            connection.close()
    assert status("GET", "/") == 404
    assert status("GET", "/validate") == 405
    assert status("POST", "/validate", b"{}", "text/plain") == 415
    for body in (b"", b"{", b"[]", b"{}", b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', b"[" * 100_000):
        assert status("POST", "/validate", body) == 400, body[:50]
    assert status("POST", "/validate", b"x" * (2 << 20)) in (413, "closed")
    # Those who connect and say nothing keep nobody out.
    silent = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(100)]
    assert status("GET", "/validate") == 405
    for each in silent:
        each.close()
