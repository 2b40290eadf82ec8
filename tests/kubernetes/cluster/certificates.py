"""cert-manager's objects as people make them, and what they look at: conditions, describe, the Secret."""

import base64

from support.edge import eventually

ISSUED = "The certificate has been successfully issued"


def issuer(world, name="letsencrypt", kind="Issuer", **more):
    """One for the CA of an AcmeWorld that has a server before it."""
    acme = {"server": world.faults.directory, "email": "admin@example.com", "privateKeySecretRef": {"name": f"{name}-key"},
            "caBundle": base64.b64encode(world.faults.trust.read_bytes()).decode(),
            "solvers": [{"http01": {"ingress": {"ingressClassName": "nginx"}}}], **more}
    return {"apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": {"name": name}, "spec": {"acme": acme}}


def certificate(name, *hosts, issuer="letsencrypt", kind="Issuer", **more):
    return {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": name},
            "spec": {"secretName": name, "dnsNames": list(hosts), "issuerRef": {"name": issuer, "kind": kind}, **more}}


def condition(kubectl, what, kind="Ready"):
    """(status, reason, message) of a condition; of one that is not there (None, None, None)."""
    for each in kubectl.get(*what.split("/")).get("status", {}).get("conditions", []):
        if each["type"] == kind:
            return each["status"], each.get("reason"), each.get("message", "")
    return None, None, None


def ready(kubectl, what, patience=60):
    """Waits; what is said of it is in the failure."""
    try:
        eventually(lambda: condition(kubectl, what)[0] == "True", patience, f"{what} is ready")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{kubectl.run('describe', what, check=False).stdout}") from None


def described(kubectl, what, text, patience=20):
    """What describe says, as soon as this is in it."""
    eventually(lambda: text in kubectl.describe(what), patience, f"{text!r} in describe {what}")
    return kubectl.describe(what)


def pair_in(kubectl, name):
    """Key -> bytes of a Secret."""
    return {key: base64.b64decode(value) for key, value in kubectl.get("secret", name)["data"].items()}
