"""Tokens: the access tokens that Entra and IMDS gave out, and what a service thinks of one."""

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass


def encoded(value):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Token:
    text: str
    audience: str
    client: str
    tenant: str
    issued: float  # time.time()
    expires: float

    @property
    def expired(self):
        return time.time() >= self.expires


class Tokens:
    """`lifetime` is that of the next tokens, in seconds."""

    def __init__(self):
        self._lock = threading.Lock()
        self._known = {}
        self.lifetime = 3599

    def issue(self, audience, client, tenant):
        now = time.time()
        claims = {"aud": audience, "iss": f"https://sts.windows.net/{tenant}/", "iat": int(now), "exp": int(now + self.lifetime),
                  "appid": client, "tid": tenant, "jti": secrets.token_hex(8)}
        # Not signed: nobody but the services of this world reads it.
        text = ".".join([encoded({"alg": "RS256", "typ": "JWT"}), encoded(claims), encoded(secrets.token_bytes(32))])
        token = Token(text, audience, client, tenant, now, now + self.lifetime)
        with self._lock:
            self._known[text] = token
        return token

    def find(self, text):
        with self._lock:
            return self._known.get(text)

    def faults_of(self, text, audiences):
        """Why a service refuses it; None: it does not. A slash at the end of an audience is nothing."""
        token = self.find(text)
        if token is None:
            return "unknown"
        if token.audience.rstrip("/") not in {each.rstrip("/") for each in audiences}:
            return "audience"
        return "expired" if token.expired else None

    def expire_all(self):
        with self._lock:
            for token in self._known.values():
                token.expires = 0.0
