"""Authority: a certificate authority that lives as long as a test, and what it issues. Nothing here is checked in."""

import datetime
import functools
import ipaddress
import pathlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@functools.lru_cache(maxsize=None)
def rsa_key(number=0):
    """RSA keys are slow to make: a few, shared by all tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass
class Pair:
    leaf: x509.Certificate
    intermediates: list
    private: object

    @property
    def serial(self):
        return self.leaf.serial_number

    @property
    def key(self):
        return key_pem(self.private)

    @property
    def chain(self):
        return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in [self.leaf, *self.intermediates])

    def pfx(self, password=None):
        how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        return pkcs12.serialize_key_and_certificates(b"pair", self.private, self.leaf, self.intermediates, how)

    def write(self, folder, name="tls"):
        """Writes NAME.crt and NAME.key, each by rename, the key first. Returns both paths."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for ending, content in (("key", self.key), ("crt", self.chain)):
            fresh = folder / f".{name}.{ending}.new"
            fresh.write_bytes(content)
            fresh.rename(folder / f"{name}.{ending}")
        return folder / f"{name}.crt", folder / f"{name}.key"


class Authority:
    def __init__(self, name="sekisho test CA", intermediate=False):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._ca(name, self._key, name, self._key, None)
        self.intermediates = []
        self._issuer, self._issuer_key = self.certificate, self._key
        if intermediate:
            key = ec.generate_private_key(ec.SECP256R1())
            middle = self._ca(name + " intermediate", key, name, self._key, 0)
            self.intermediates, self._issuer, self._issuer_key = [middle], middle, key

    @staticmethod
    def _ca(subject, key, issuer, issuer_key, path_length):
        builder = x509.CertificateBuilder()
        builder = builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        builder = builder.issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now() - datetime.timedelta(days=365))
        builder = builder.not_valid_after(now() + datetime.timedelta(days=3650))
        builder = builder.add_extension(x509.BasicConstraints(True, path_length), True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
        builder = builder.add_extension(x509.KeyUsage(**{**usage, "key_cert_sign": True, "crl_sign": True}), True)
        return builder.sign(issuer_key, hashes.SHA256())

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key(self):
        """Its private key, for those who issue in its name."""
        return key_pem(self._key)

    def write(self, folder, name="ca.pem"):
        path = pathlib.Path(folder) / name
        path.write_bytes(self.pem)
        return path

    def issue(self, *names, kind="ecdsa", key=None, serial=None, start=-1.0, days=30.0, client=False, common_name=None,
              organization=None):
        """A leaf for these names, valid from `start` days from now for `days` days."""
        if key is None:
            key = rsa_key() if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
        begin = now() + datetime.timedelta(days=start)
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, (common_name or names[0])[:64])]
        if organization:
            subject.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = x509.CertificateBuilder().subject_name(x509.Name(subject)).issuer_name(self._issuer.subject)
        builder = builder.public_key(key.public_key()).serial_number(serial or x509.random_serial_number())
        builder = builder.not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=days))
        builder = builder.add_extension(x509.SubjectAlternativeName([general_name(n) for n in names]), False)
        builder = builder.add_extension(x509.BasicConstraints(False, None), True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._issuer_key.public_key()), False)
        return Pair(builder.sign(self._issuer_key, hashes.SHA256()), list(self.intermediates), key)
