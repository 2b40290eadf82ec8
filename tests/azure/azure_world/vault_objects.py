"""What a vault keeps: certificates and secrets by name, each with versions, and what becomes of them as JSON."""

import base64
import secrets
import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from .tokens import encoded

PFX, PEM = "application/x-pkcs12", "application/x-pem-file"


def unix(moment):
    return int(moment.timestamp())


@dataclass
class Version:
    """One version of a certificate with its key, or of a secret. Times are unix seconds."""
    value: str  # of the secret: text, PEM, or a PFX in base64
    content_type: str | None = None
    certificate: object = None  # x509; None: a plain secret
    exportable: bool = True
    enabled: bool = True
    tags: dict = field(default_factory=dict)
    created: int = field(default_factory=lambda: int(time.time()))
    updated: int | None = None
    starts: int | None = None
    ends: int | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(16))

    def attributes(self, *, recovery=True):
        found = {"enabled": self.enabled, "nbf": self.starts, "exp": self.ends, "created": self.created,
                 "updated": self.updated or self.created, "recoveryLevel": "Recoverable+Purgeable" if recovery else None}
        return {key: value for key, value in found.items() if value is not None}

    @property
    def thumbprint(self):
        return encoded(self.certificate.fingerprint(hashes.SHA1()))


def version_of(pair, content_type=PFX, *, exportable=True, reverse=False, **more):
    """A version that holds this pair: leaf first, or, where the vault was given it so, leaf last."""
    chain = [pair.leaf, *pair.intermediates]
    if reverse:
        chain.reverse()
    if content_type == PFX:
        key, others = (pair.private, pair.intermediates) if exportable else (None, [])
        content = pkcs12.serialize_key_and_certificates(None, key, pair.leaf if exportable else None,
                                                        others if exportable else chain, serialization.NoEncryption())
        value = base64.b64encode(content).decode()
    else:
        texts = [each.public_bytes(serialization.Encoding.PEM).decode() for each in chain]
        value = "".join([pair.key.decode(), *texts] if exportable else texts)
    return Version(value, content_type, pair.leaf, exportable, starts=unix(pair.leaf.not_valid_before_utc),
                   ends=unix(pair.leaf.not_valid_after_utc), **more)


def policy_of(base, name, version):
    """The policy of a certificate that was imported."""
    key = version.certificate.public_key()
    kind = {"kty": "RSA", "key_size": key.key_size} if isinstance(key, rsa.RSAPublicKey) else {"kty": "EC", "crv": "P-256"}
    return {"id": f"{base}/certificates/{name}/policy",
            "key_props": {"exportable": version.exportable, "reuse_key": False, **kind},
            "secret_props": {"contentType": version.content_type},
            "x509_props": {"subject": version.certificate.subject.rfc4514_string(), "ekus": [], "key_usage": [],
                           "validity_months": 12},
            "lifetime_actions": [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "EmailContacts"}}],
            "issuer": {"name": "Unknown"},
            "attributes": {"enabled": True, "created": version.created, "updated": version.created}}


class Kept:
    """An object of one name: its versions, oldest first."""

    def __init__(self, name):
        self.name = name
        self.versions = []
        self.policy = None  # of a certificate; what was changed of it
        self.deleted = None  # unix seconds

    @property
    def newest(self):
        return self.versions[-1]

    def find(self, version):
        """Empty: the newest. None: there is none."""
        return self.newest if not version else next((each for each in self.versions if each.id == version), None)


# ---- as JSON; `base` is the URL of the vault


def certificate_item(base, kept, version, *, versioned):
    found = {"id": f"{base}/certificates/{kept.name}" + (f"/{version.id}" if versioned else ""), "x5t": version.thumbprint,
             "attributes": version.attributes(recovery=False)}
    return {**found, "tags": version.tags} if version.tags else found


def certificate_bundle(base, kept, version):
    found = {kind: f"{base}/{place}/{kept.name}/{version.id}"
             for kind, place in (("id", "certificates"), ("kid", "keys"), ("sid", "secrets"))}
    der = version.certificate.public_bytes(serialization.Encoding.DER)
    found |= {"x5t": version.thumbprint, "cer": base64.b64encode(der).decode(), "attributes": version.attributes(),
              "policy": {**policy_of(base, kept.name, version), **(kept.policy or {})}}
    return {**found, "tags": version.tags} if version.tags else found


def secret_item(base, kept, version, *, versioned):
    found = {"id": f"{base}/secrets/{kept.name}" + (f"/{version.id}" if versioned else ""),
             "attributes": version.attributes(recovery=False)}
    return {**found, **_of_secret(version)}


def secret_bundle(base, kept, version):
    found = {"value": version.value, "id": f"{base}/secrets/{kept.name}/{version.id}", "attributes": version.attributes()}
    if version.certificate is not None:
        found["kid"] = f"{base}/keys/{kept.name}/{version.id}"
    return {**found, **_of_secret(version)}


def _of_secret(version):
    found = {"contentType": version.content_type, "tags": version.tags or None, "managed": version.certificate is not None or None}
    return {key: value for key, value in found.items() if value is not None}


def deleted_bundle(base, kept, bundle, place):
    return {**bundle, "recoveryId": f"{base}/deleted{place}/{kept.name}", "deletedDate": kept.deleted,
            "scheduledPurgeDate": kept.deleted + 90 * 86400}
