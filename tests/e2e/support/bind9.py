"""Bind9: Debian's named on ports of its own, with zones that take updates signed by a TSIG key made for the test."""

import base64
import secrets
import shutil

import dns.message
import dns.query
import dns.rdatatype
import dns.resolver
import dns.tsig
import dns.tsigkeyring
import dns.update

from .edge import free_port
from .pebble import LOOPBACK, Process

NAMED = shutil.which("named") or shutil.which("named", path="/usr/sbin:/usr/local/sbin")


class Bind9(Process):
    """Authoritative for `zones`, in each of which every name is 127.0.0.1. Knows nothing else, and asks nobody."""

    def __init__(self, folder, *zones, algorithm="hmac-sha256", records=()):
        super().__init__(folder, "named")
        assert NAMED, "named is missing: scripts/install_packages test installs bind9"
        self.port = free_port()
        self.address = f"{LOOPBACK}:{self.port}"
        self.zones, self.algorithm, self.key_name = zones or ("example.test",), algorithm, "sekisho-test"
        self.secret = base64.b64encode(secrets.token_bytes(32)).decode()
        self.secret_file = self.folder / "tsig.secret"
        self.secret_file.write_text(self.secret + "\n")
        self.secret_file.chmod(0o600)
        for zone in self.zones:
            (self.folder / f"{zone}.zone").write_text(
                f"$ORIGIN {zone}.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 1\n@ NS ns\n@ A {LOOPBACK}\n"
                f"ns A {LOOPBACK}\n* A {LOOPBACK}\n" + "".join(f"{line}\n" for line in records))
        self._write_configuration()
        self.start()

    def _write_configuration(self):
        zones = "".join(
            f'zone "{zone}" {{ type master; file "{self.folder}/{zone}.zone"; journal "{self.folder}/{zone}.jnl";\n'
            f"  update-policy {{ grant {self.key_name} zonesub ANY; }}; }};\n" for zone in self.zones)
        (self.folder / "named.conf").write_text(
            f'options {{ directory "{self.folder}"; pid-file "{self.folder}/named.pid"; session-keyfile none;\n'
            f'  listen-on port {self.port} {{ {LOOPBACK}; }}; listen-on-v6 {{ none; }}; recursion no;\n'
            f"  allow-query {{ any; }}; allow-transfer {{ none; }}; notify no; empty-zones-enable no; minimal-responses yes; }};\n"
            f'controls {{ }};\nkey "{self.key_name}" {{ algorithm {self.algorithm}; secret "{self.secret}"; }};\n' + zones)

    def start(self):
        self.spawn([NAMED, "-g", "-n", "1", "-c", self.folder / "named.conf"], [self.port])
        return self

    @property
    def settings(self):
        """What an issuer has to know: `dns: {rfc2136: ...}`."""
        return {"rfc2136": {"server": self.address, "key_name": self.key_name, "key_algorithm": self.algorithm,
                            "secret_file": str(self.secret_file)}}

    def ask(self, name, kind="TXT"):
        """The records of this name here, as text."""
        query = dns.message.make_query(name, kind)
        answer = dns.query.tcp(query, LOOPBACK, port=self.port, timeout=10)
        return [item.to_text() for found in answer.answer for item in found
                if found.rdtype == dns.rdatatype.from_text(kind)]

    def update(self, zone, *changes):
        """changes: ("add", "_acme-challenge", 60, "TXT", "value") or ("delete", name…), relative to the zone."""
        keys = dns.tsigkeyring.from_text({self.key_name: self.secret})
        update = dns.update.UpdateMessage(zone, keyring=keys, keyalgorithm=self.algorithm)
        for how, *change in changes:
            getattr(update, how)(*change)
        answer = dns.query.tcp(update, LOOPBACK, port=self.port, timeout=10)
        assert answer.rcode() == 0, answer
