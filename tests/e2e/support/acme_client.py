"""AcmeClient: a small ACME client, to prove that the CA, the name servers and the faulting server of the tests work. It also
does by hand what a test needs beside sekisho (an account of its own, a look at an order)."""

import base64
import hashlib
import json
import ssl
import time
import urllib.error
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from .authority import general_name


def b64(content):
    if not isinstance(content, bytes):
        content = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Problem(Exception):
    def __init__(self, status, headers, document):
        super().__init__(f"{status} {document}")
        self.status, self.headers, self.document = status, headers, document
        self.type = document.get("type", "").rpartition(":")[2]


class AcmeClient:
    def __init__(self, directory, trust):
        self.context = ssl.create_default_context(cafile=str(trust))
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.nonce = self.kid = None
        self.directory = self.get(directory)[1]

    # ---- the wire

    def get(self, url):
        with urllib.request.urlopen(url, timeout=10, context=self.context) as answer:
            return answer.headers, json.loads(answer.read())

    @property
    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}

    def sign(self, protected, payload):
        protected, payload = b64(protected), payload if isinstance(payload, str) else b64(payload)
        r, s = decode_dss_signature(self.key.sign(f"{protected}.{payload}".encode(), ec.ECDSA(hashes.SHA256())))
        return {"protected": protected, "payload": payload, "signature": b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}

    def post(self, url, payload=""):
        """Headers and body; POST-as-GET if there is no payload. Goes on after badNonce (RFC 8555 §6.5)."""
        while True:
            if self.nonce is None:
                with urllib.request.urlopen(self.directory["newNonce"], timeout=10, context=self.context) as answer:
                    self.nonce = answer.headers["Replay-Nonce"]
            who = {"kid": self.kid} if self.kid else {"jwk": self.jwk}
            body = self.sign({"alg": "ES256", "nonce": self.nonce, "url": url, **who}, payload)
            request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/jose+json"})
            self.nonce = None
            try:
                with urllib.request.urlopen(request, timeout=30, context=self.context) as answer:
                    self.nonce = answer.headers["Replay-Nonce"]
                    return answer.headers, answer.read()
            except urllib.error.HTTPError as error:
                self.nonce = error.headers["Replay-Nonce"]
                problem = Problem(error.code, error.headers, json.loads(error.read()))
                if problem.type != "badNonce":
                    raise problem from None

    # ---- RFC 8555 §7

    def register(self, external_account=None):
        """external_account: (key id, base64url key)."""
        account = {"termsOfServiceAgreed": True}
        if external_account:
            identity, secret = external_account
            protected = b64({"alg": "HS256", "kid": identity, "url": self.directory["newAccount"]})
            payload = b64(self.jwk)
            mac = hmac.HMAC(base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4)), hashes.SHA256())
            mac.update(f"{protected}.{payload}".encode())
            account["externalAccountBinding"] = {"protected": protected, "payload": payload, "signature": b64(mac.finalize())}
        headers, _ = self.post(self.directory["newAccount"], account)
        self.kid = headers["Location"]
        return self

    def key_authorization(self, token):
        return f"{token}.{b64(hashlib.sha256(json.dumps(self.jwk, separators=(',', ':'), sort_keys=True).encode()).digest())}"

    def digest(self, token):
        return b64(hashlib.sha256(self.key_authorization(token).encode()).digest())

    def order(self, *names, **more):
        kind = lambda name: "ip" if isinstance(general_name(name), x509.IPAddress) else "dns"  # noqa: E731
        headers, body = self.post(self.directory["newOrder"],
                                  {"identifiers": [{"type": kind(name), "value": name} for name in names], **more})
        return headers["Location"], json.loads(body)

    def poll(self, url, *ends, patience=20):
        until = time.monotonic() + patience
        while True:
            found = json.loads(self.post(url)[1])
            if found["status"] in ends:
                return found
            assert time.monotonic() < until, f"still {found}"
            time.sleep(0.05)

    def obtain(self, names, challenge, solve, **more):
        """The chain for these names, leaf first. solve(name, token) makes the challenge of this type answerable."""
        url, order = self.order(*names, **more)
        for place in order["authorizations"]:
            authorization = json.loads(self.post(place)[1])
            if authorization["status"] == "valid":
                continue
            wanted = next(c for c in authorization["challenges"] if c["type"] == challenge)
            solve(authorization["identifier"]["value"], wanted["token"])
            self.post(wanted["url"], {})
            assert self.poll(place, "valid", "invalid")["status"] == "valid", self.post(place)[1]
        key = ec.generate_private_key(ec.SECP256R1())
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        request = request.add_extension(x509.SubjectAlternativeName([general_name(n) for n in names]), False)
        self.poll(url, "ready")
        self.post(order["finalize"], {"csr": b64(request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))})
        done = self.poll(url, "valid", "invalid")
        assert done["status"] == "valid", done
        return x509.load_pem_x509_certificates(self.post(done["certificate"])[1])
