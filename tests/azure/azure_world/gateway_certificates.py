"""The certificates of a gateway: what a PUT brings, what is kept, and what a GET shows of it."""

import base64
import binascii
import urllib.parse
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from . import vault_objects
from .vault_requests import read_pair

LIMIT, BYTES_LIMIT = 100, 16 * 1024


@dataclass
class Installed:
    """`pair` is what the gateway serves: certificate, chain and key."""
    pair: object
    secret: str | None = None  # the Key Vault id that it came by

    @property
    def public(self):
        """publicCertData: a PKCS #7 of the chain."""
        chain = [self.pair.leaf, *self.pair.intermediates]
        return base64.b64encode(pkcs7.serialize_certificates(chain, serialization.Encoding.DER)).decode()


class Unacceptable(Exception):
    """Why a PUT is refused: (code, message)."""


def installed_from(element, before, key_vault, where):
    """What one element of sslCertificates installs. `before` is what is there by this name, or None."""
    asked = element.get("properties") or {}
    if asked.get("data"):
        return Installed(_uploaded(asked, where))
    if asked.get("keyVaultSecretId"):
        return Installed(from_vault(asked["keyVaultSecretId"], key_vault, where), asked["keyVaultSecretId"])
    if before is None:
        raise Unacceptable("ApplicationGatewaySslCertificateMissingData",
                           f"Data or KeyVaultSecretId must be specified for {where}.")
    return before  # an echo of what was read leaves the key where it is


def _uploaded(asked, where):
    try:
        content = base64.b64decode(asked["data"], validate=True)
        if len(content) > BYTES_LIMIT:
            raise Unacceptable("ApplicationGatewaySslCertificateTooLarge", f"The certificate {where} exceeds 16 KB.")
        if not asked.get("password"):
            raise ValueError("without a password")
        return read_pair(asked["data"], asked["password"], vault_objects.PFX)
    except (ValueError, TypeError, binascii.Error):
        raise Unacceptable("ApplicationGatewaySslCertificateInvalidData",
                           f"Data or Password for certificate {where} is invalid.") from None


def from_vault(identifier, key_vault, where):
    """As the gateway reads it: with its own identity, the newest version unless one is named."""
    parts = urllib.parse.urlsplit(identifier)
    name, _, version = parts.path.removeprefix("/secrets/").partition("/")
    vault = key_vault.vaults.get((parts.hostname or "").split(".")[0]) or key_vault.default
    kept = vault.secrets.get(name)
    found = kept.find(version) if kept and not kept.deleted else None
    if found is None or not found.enabled or vault.why_denied("gateway"):
        raise Unacceptable("ApplicationGatewayKeyVaultSecretException",
                           f"Problem occured while accessing and validating KeyVault Secrets associated with {where}.")
    if found.content_type != vault_objects.PFX or not found.exportable:
        raise Unacceptable("ApplicationGatewayKeyVaultSecretException", f"The secret of {where} is no PKCS #12 with a key.")
    return read_pair(found.value, None, vault_objects.PFX)
