"""AcmeWorld: everything that an edge needs to get certificates, on ports of its own: a CA, a name server, and on request the
server between them that makes things go wrong."""

import json
import pathlib
import socket
import ssl
import threading

from cryptography import x509

from .bind9 import Bind9
from .client import tls_context
from .edge import Edge, eventually, free_port
from .faulting_server import FaultingServer, call
from .pebble import ChallTestSrv, LOOPBACK, Pebble


class AcmeWorld:
    """zones: served by bind9, which the CA then asks for everything; else it asks name_server, which somebody else runs, or else
    challtestsrv. ports: where the CA looks for challenges by TLS and by HTTP; ports of this world's own if nothing is said."""

    def __init__(self, folder, authority, *, zones=(), faulting=False, ports=None, name_server=None, **pebble):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = authority
        # Where the CA looks for challenges, and an edge has to listen.
        self.tls_port, self.http_port = ports or (free_port(), free_port())
        self.edges = 0
        self._ended = []
        try:
            self.bind9 = self._keep(Bind9(self.folder / "bind9", *zones)) if zones else None
            self.challtestsrv = None if zones or name_server else self._keep(ChallTestSrv(self.folder / "challtestsrv"))
            self.dns = name_server or self.bind9 or self.challtestsrv
            self.pebble = self._keep(self.make_pebble("pebble", **pebble))
            self.faults = None
            if faulting:
                self.faults = FaultingServer(self.folder, authority, self.pebble)
                self._ended.append(self.faults.close)
        except BaseException:
            self.close()
            raise

    def _keep(self, process):
        self._ended.append(process.stop)
        return process

    def make_pebble(self, name, **options):
        return Pebble(self.folder / name, self.authority, dns=self.dns.address, http_port=self.http_port,
                      tls_port=self.tls_port, **options)

    def second_ca(self, **options):
        return self._keep(self.make_pebble("second", **options))

    def close(self):
        for end in reversed(self._ended):
            end()

    # ---- for the configuration

    def issuer(self, ca=None, **more):
        ca = ca or self.faults or self.pebble
        settings = {"directory": ca.directory, "email": "admin@example.com", "agree_to_terms": True,
                    "ca_certificates": str(ca.trust), "nameservers": [self.dns.address],
                    "http_port": self.http_port, "tls_port": self.tls_port}
        if self.bind9:
            # Its zones are nowhere but here: the servers that they name cannot be found at port 53.
            settings["dns"] = self.bind9.settings
        return {"acme": {**settings, **more}}

    def settings(self, *hosts, issuer=None, certificate=None, **more):
        """One certificate for all hosts, and an answer to every request."""
        return {"certificates": [{"hosts": list(hosts), "issuer": "ca", **(certificate or {})}],
                "issuers": {"ca": issuer or self.issuer()},
                "routes": [{"respond": {"status": 200, "body": "served"}}], **more}

    def roots(self, count=1, ca=None):
        return (ca or self.pebble).write_roots(self.folder / "roots.pem", count)

    # ---- edges where the CA looks

    def edge(self, settings, *, elsewhere=False, folder=None, **options):
        """An edge that listens where the CA looks; elsewhere: on other ports."""
        self.edges += 1
        ports = None if elsewhere else (self.tls_port, self.http_port)
        return Edge(folder or self.folder / f"edge{self.edges}", settings, ports=ports, **options)


# ---- what an edge says of its certificates

def shown(edge, name, ca=None, ciphers=None, port=None):
    """The certificate that a client is shown for the name; None if the handshake is refused. With `ca` it is verified."""
    context = tls_context(ca)
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    try:
        with socket.create_connection((LOOPBACK, port or edge.port), timeout=10) as raw:
            with context.wrap_socket(raw, server_hostname=name) as tls:
                return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True))
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLError:
        return None


def served(edge, name, ca, patience=30):
    """Waits until the name's certificate is shown and is of this CA; returns it."""
    def ask():
        try:
            return shown(edge, name, ca)
        except ssl.SSLCertVerificationError as error:
            raise AssertionError(str(error)) from None
    return eventually(ask, patience, f"a certificate of the CA for {name}")


def managed(edge, name):
    """What /api/certificates says of getting the certificate of this name; empty: nothing yet."""
    for entry in json.loads(edge.admin("/api/certificates")[1]):
        if entry.get("managed", {}).get("name") == name:
            return entry["managed"]
    return {}


def names_of(certificate):
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(str(name.value) for name in found)


def said(edge, *words):
    """What a command says of a running edge, and the answer must not be an error of the command line or of the connection."""
    result = edge.command(*words)
    assert result.returncode in (0, 1), f"{words}: exit {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout + result.stderr


def eventually_said(edge, text, *words, patience=20):
    return eventually(lambda: text in said(edge, *words), patience, f"{text!r} in {' '.join(words)}")


class Killer:
    """Kills the edge from within the CA, and says that it has."""

    def __init__(self, edge):
        self.edge, self.done = edge, threading.Event()

    def __call__(self, _exchange):
        # Not through Edge: its process is started again by the test, in another thread.
        self.edge.process.kill()
        self.done.set()


def kill_at(world, edge, operation, moment):
    """Starts the edge and kills it when it asks the CA for this; see faulting_server.call for the moments."""
    killer = Killer(edge)
    world.faults.inject(call(operation, killer, moment))
    edge.start(ready=False)
    assert killer.done.wait(30), f"{operation} was never asked"
    edge.process.wait()
    edge.process = None
