"""The requests that a vault does, by the operationId of the published documents. Names in `values`: name, version."""

import base64
import binascii
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from support.authority import Pair

from . import vault_objects as objects
from .exchange import Answer

HANDLERS = {}


def does(operation, permission):
    def register(function):
        function.permission = permission
        HANDLERS[operation] = function
        return function
    return register


def live(service, kept, name, code):
    """What is there and not deleted."""
    found = kept.get(name)
    if found is None or found.deleted:
        service.refuse(404, code, f"{name} was not found in this key vault. If you recently deleted it you may be able to "
                                  "recover it.")
    return found


def version_of(service, kept, version, code):
    return kept.find(version) or service.refuse(404, code, f"{kept.name}/{version} was not found in this key vault.")


# ---- certificates


@does("GetCertificates", "certificates/list")
def list_certificates(service, vault, request, _values):
    return service.page(vault, request, [objects.certificate_item(request.base, kept, kept.newest, versioned=False)
                                         for kept in vault.certificates.values() if not kept.deleted])


@does("GetCertificateVersions", "certificates/list")
def list_certificate_versions(service, vault, request, values):
    kept = vault.certificates.get(values["name"])
    found = kept.versions if kept and not kept.deleted else []  # a list of nothing is no error
    return service.page(vault, request, [objects.certificate_item(request.base, kept, each, versioned=True) for each in found])


@does("GetCertificate", "certificates/get")
def get_certificate(service, vault, request, values):
    kept = live(service, vault.certificates, values["name"], "CertificateNotFound")
    version = version_of(service, kept, values["version"], "CertificateNotFound")
    return Answer(200, objects.certificate_bundle(request.base, kept, version))


@does("GetCertificatePolicy", "certificates/get")
def get_policy(service, vault, request, values):
    kept = live(service, vault.certificates, values["name"], "CertificateNotFound")
    return Answer(200, objects.certificate_bundle(request.base, kept, kept.newest)["policy"])


@does("UpdateCertificatePolicy", "certificates/update")
def update_policy(service, vault, request, values):
    kept = live(service, vault.certificates, values["name"], "CertificateNotFound")
    kept.policy = {**(kept.policy or {}), **request.json}
    return get_policy(service, vault, request, values)


@does("UpdateCertificate", "certificates/update")
def update_certificate(service, vault, request, values):
    kept = live(service, vault.certificates, values["name"], "CertificateNotFound")
    version = version_of(service, kept, values["version"], "CertificateNotFound")
    change(version, request.json)
    return Answer(200, objects.certificate_bundle(request.base, kept, version))


@does("ImportCertificate", "certificates/import")
def import_certificate(service, vault, request, values):
    asked, name = request.json, values["name"]
    if name in vault.secrets and vault.secrets[name].deleted:
        service.refuse(409, "Conflict", inner="ObjectIsDeletedButRecoverable")
    policy = asked.get("policy", {})
    kind = policy.get("secret_props", {}).get("contentType", objects.PFX)
    try:
        pair = read_pair(asked["value"], asked.get("pwd"), kind)
    except (ValueError, TypeError, binascii.Error) as error:
        service.refuse(400, "BadParameter", f"The specified PKCS#12 or PEM content can not be read: {type(error).__name__}.")
    version = objects.version_of(pair, kind, exportable=policy.get("key_props", {}).get("exportable", True),
                                 tags=dict(asked.get("tags") or {}))
    change(version, asked)
    kept = vault.certificates.get(vault.keep_certificate(name, version) and name)
    if "lifetime_actions" in policy:
        kept.policy = {"lifetime_actions": policy["lifetime_actions"]}
    return Answer(200, objects.certificate_bundle(request.base, kept, version))


def read_pair(value, password, kind):
    if kind == objects.PEM:
        leaf, *others = x509.load_pem_x509_certificates(value.encode())
        private = serialization.load_pem_private_key(value.encode(), None)
    else:
        content = base64.b64decode(value, validate=True)
        private, leaf, others = pkcs12.load_key_and_certificates(content, password.encode() if password else None)
    if private is None or leaf is None or private.public_key() != leaf.public_key():
        raise ValueError("the key is not that of the certificate")
    return Pair(leaf, others, private)


def change(version, asked):
    """What a request may change of a version."""
    attributes = asked.get("attributes") or {}
    version.enabled = attributes.get("enabled", version.enabled)
    version.starts, version.ends = attributes.get("nbf", version.starts), attributes.get("exp", version.ends)
    version.tags = asked.get("tags", version.tags) or {}
    version.content_type = asked.get("contentType", version.content_type)
    version.updated = int(time.time())


# ---- secrets


@does("GetSecrets", "secrets/list")
def list_secrets(service, vault, request, _values):
    return service.page(vault, request, [objects.secret_item(request.base, kept, kept.newest, versioned=False)
                                         for kept in vault.secrets.values() if not kept.deleted])


@does("GetSecretVersions", "secrets/list")
def list_secret_versions(service, vault, request, values):
    kept = vault.secrets.get(values["name"])
    found = kept.versions if kept and not kept.deleted else []
    return service.page(vault, request, [objects.secret_item(request.base, kept, each, versioned=True) for each in found])


@does("GetSecret", "secrets/get")
def get_secret(service, vault, request, values):
    kept = live(service, vault.secrets, values["name"], "SecretNotFound")
    version = version_of(service, kept, values["version"], "SecretNotFound")
    if not version.enabled:
        service.refuse(403, "Forbidden", inner="SecretDisabled")
    return Answer(200, objects.secret_bundle(request.base, kept, version))


@does("SetSecret", "secrets/set")
def set_secret(service, vault, request, values):
    name, asked = values["name"], request.json
    if name in vault.secrets and vault.secrets[name].deleted:
        service.refuse(409, "Conflict", inner="ObjectIsDeletedButRecoverable")
    if name in vault.certificates:
        service.refuse(409, "Conflict", "A certificate of this name owns the secret.")
    vault.add_secret(name, asked["value"])
    kept = vault.secrets[name]
    change(kept.newest, asked)
    return Answer(200, objects.secret_bundle(request.base, kept, kept.newest))


@does("UpdateSecret", "secrets/set")
def update_secret(service, vault, request, values):
    kept = live(service, vault.secrets, values["name"], "SecretNotFound")
    version = version_of(service, kept, values["version"], "SecretNotFound")
    change(version, request.json)
    return Answer(200, {key: value for key, value in objects.secret_bundle(request.base, kept, version).items() if key != "value"})
