"""Client assertions: JSON Web Tokens by which a workload or a certificate proves who it is (RFC 7523)."""

import json
import time
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from .tokens import decoded, encoded

AUDIENCE = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class FederatedCredential:
    """Registered on an application; compared byte for byte."""
    issuer: str
    subject: str
    audience: str = AUDIENCE


def service_account_token(issuer, subject, audience=AUDIENCE, *, lifetime=3600, not_before=0, key=None):
    """What the kubelet projects into a pod. Signed if there is a key: Entra here asks no issuer for its keys."""
    now = int(time.time())
    head = {"alg": "RS256", "typ": "JWT", "kid": "projected"}
    claims = {"iss": issuer, "sub": subject, "aud": [audience], "iat": now, "nbf": now + not_before, "exp": now + lifetime}
    content = f"{encoded(head)}.{encoded(claims)}"
    signature = key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()) if key else b"unsigned"
    return f"{content}.{encoded(signature)}"


@dataclass
class Assertion:
    head: dict
    claims: dict
    signed: bytes
    signature: bytes

    @staticmethod
    def read(text):
        """None: it is no token."""
        try:
            head, claims, signature = text.split(".")
            read = Assertion(json.loads(decoded(head)), json.loads(decoded(claims)), f"{head}.{claims}".encode(),
                             decoded(signature))
        except (ValueError, TypeError):
            return None
        return read if isinstance(read.head, dict) and isinstance(read.claims, dict) else None

    @property
    def audiences(self):
        found = self.claims.get("aud")
        return found if isinstance(found, list) else [found]

    @property
    def in_time(self):
        now = time.time()
        return self.claims.get("nbf", 0) <= now + 5 and now < self.claims.get("exp", 0)

    def signed_by(self, public_key):
        """RS256 or PS256, as its head says."""
        scheme = {"RS256": padding.PKCS1v15(),
                  "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)}.get(self.head.get("alg"))
        if scheme is None:
            return False
        try:
            public_key.verify(self.signature, self.signed, scheme, hashes.SHA256())
            return True
        except InvalidSignature:
            return False

    def names(self, certificate):
        """Whether its head names this certificate by thumbprint: x5t is SHA-1, x5t#S256 is SHA-256. MSAL pads them."""
        return (self.head.get("x5t", "").rstrip("=") == encoded(certificate.fingerprint(hashes.SHA1()))
                or self.head.get("x5t#S256", "").rstrip("=") == encoded(certificate.fingerprint(hashes.SHA256())))
