"""Pebble: Let's Encrypt's test CA as a process, and ChallTestSrv, the name server (and challenge answerer) that belongs to it.

Both are ended by their process id. Pebble makes its roots anew at each start and keeps everything in memory: what it
forgets by stop() is forgotten for good.
"""

import functools
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .edge import ROOT, eventually, free_port

LOOPBACK = "127.0.0.1"
NINETY_DAYS = 90 * 86400
SIX_DAYS = 6 * 86400


def tool(name):
    """scripts/prepare_tests builds it; Debian's package is older and has less, but can stand in."""
    built = pathlib.Path(os.environ.get("SEKISHO_TOOLS", ROOT / "build" / "tools")) / name
    found = str(built) if built.exists() else shutil.which(name)
    assert found, f"{name} is missing: scripts/prepare_tests builds it"
    return found


# What tests need of pebble, by what a pebble that has it has in its program text.
FEATURES = {
    "renewal-info": b"set-renewal-info",
    "profiles": b"invalidProfile",
    "retry-after": b"retryAfter",
    "key-algorithm": b"keyAlgorithm",
    "dns-account-01": b"dns-account-01",
    "dns-persist-01": b"dns-persist-01",
}


@functools.cache
def pebble_has(feature):
    """Debian's is of version 2.4 and has none of these."""
    return FEATURES[feature] in pathlib.Path(tool("pebble")).read_bytes()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


class Process:
    """A child with a log, started and ended by its id."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_path = self.folder / f"{name}.log"
        self.process = None

    def spawn(self, command, ports, environment=None):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=self.folder, env={**os.environ, **(environment or {})})

        def up():
            if self.process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {self.process.returncode}:\n{self.log[-3000:]}")
            return all(listens(port) for port in ports)

        eventually(up, 20, f"{command[0]} listens")

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


class ChallTestSrv(Process):
    """Answers every A question with 127.0.0.1, no AAAA, and what else it is told. With http_port and tls_port it also answers
    challenges, for tests of the world itself."""

    def __init__(self, folder, http_port=None, tls_port=None):
        super().__init__(folder, "challtestsrv")
        self.dns_port, self.management_port = free_port(), free_port()
        self.address = f"{LOOPBACK}:{self.dns_port}"
        at = lambda port: f"{LOOPBACK}:{port}" if port else ""  # noqa: E731
        # Debian's, of version 2.4, calls the option -dns01 and knows no DoH.
        usage = subprocess.run([tool("pebble-challtestsrv"), "-help"], capture_output=True, text=True).stderr
        dns = ["-dnsserver", self.address] if "-dnsserver" in usage else ["-dns01", self.address]
        doh = ["-doh", ""] if "-doh" in usage else []
        self.spawn([tool("pebble-challtestsrv"), "-http01", at(http_port), "-https01", "", "-tlsalpn01", at(tls_port), *dns,
                    *doh, "-management", at(self.management_port), "-defaultIPv4", LOOPBACK, "-defaultIPv6", ""],
                   [self.dns_port, self.management_port])

    def tell(self, what, **values):
        """tell("set-txt", host="_acme-challenge.example.com.", value="…"); hosts end with a dot."""
        request = urllib.request.Request(f"http://{LOOPBACK}:{self.management_port}/{what}", json.dumps(values).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()


class Pebble(Process):
    """`http_port` and `tls_port` are where it looks for challenges; `dns` is the "IP:port" that it asks for names."""

    def __init__(self, folder, authority, *, dns, http_port, tls_port, nonce_rejection=20, authorization_reuse=0,
                 profiles=None, external_accounts=None, alternate_roots=0, chain_length=1, blocklist=(), retry_after=1,
                 key_algorithm="ecdsa", caa_identities=("pebble.letsencrypt.org",), strict=True, always_valid=False):
        super().__init__(folder, "pebble")
        self.port, self.management_port = free_port(), free_port()
        certificate, key = authority.issue(LOOPBACK, "localhost").write(self.folder, "listener")
        self.trust = authority.write(self.folder, "listener-ca.pem")
        self.directory = f"https://{LOOPBACK}:{self.port}/dir"
        self.context = ssl.create_default_context(cafile=str(self.trust))
        profiles = profiles or {"default": NINETY_DAYS}
        settings = {
            "listenAddress": f"{LOOPBACK}:{self.port}",
            "managementListenAddress": f"{LOOPBACK}:{self.management_port}",
            "certificate": str(certificate), "privateKey": str(key),
            "httpPort": http_port, "tlsPort": tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(external_accounts),
            "externalAccountMACKeys": external_accounts or {},
            "domainBlocklist": ["blocked-domain.example", *blocklist],
            "caaIdentities": list(caa_identities), "keyAlgorithm": key_algorithm,
            "retryAfter": {"authz": retry_after, "order": retry_after},
            "certificateValidityPeriod": next(iter(profiles.values())),
            "profiles": {name: {"description": name, "validityPeriod": seconds} for name, seconds in profiles.items()},
        }
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        self.command = [tool("pebble"), "-config", self.folder / "pebble.json", "-dnsserver", dns]
        self.command += ["-strict"] if strict else []
        self.environment = {
            "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(nonce_rejection),
            "PEBBLE_AUTHZREUSE": str(authorization_reuse), "PEBBLE_ALTERNATE_ROOTS": str(alternate_roots),
            "PEBBLE_CHAIN_LENGTH": str(chain_length),
        }
        # Nobody has to answer a challenge: for tests in which whoever would answer is dead.
        if always_valid:
            self.environment["PEBBLE_VA_ALWAYS_VALID"] = "1"
        self.start()

    def start(self):
        self.spawn(self.command, [self.port, self.management_port], self.environment)
        return self

    # ---- its management interface

    def manage(self, path, body=None, base=None):
        request = urllib.request.Request((base or f"https://{LOOPBACK}:{self.management_port}") + path,
                                         None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10, context=self.context) as answer:
            return answer.read()

    def root(self, number=0):
        return x509.load_pem_x509_certificate(self.manage(f"/roots/{number}"))

    def write_roots(self, path, count=1):
        """A trust file for clients of what it issues."""
        path = pathlib.Path(path)
        path.write_bytes(b"".join(self.manage(f"/roots/{number}") for number in range(count)))
        return path

    def issued(self, certificate):
        """Whether it knows this certificate, and if so as "Valid" or "Revoked"."""
        try:
            return json.loads(self.manage(f"/cert-status-by-serial/{certificate.serial_number:x}"))["Status"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def revocation_reason(self, certificate):
        return json.loads(self.manage(f"/cert-status-by-serial/{certificate.serial_number:x}")).get("Reason")

    def set_renewal_info(self, certificate, answer):
        """`answer` is a dict, or text that need not be JSON."""
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.manage("/set-renewal-info/", {"Certificate": certificate.public_bytes(Encoding.PEM).decode(),
                                           "ARIResponse": text})

    # ---- what its log says

    def validations(self):
        """The number of looks at challenges."""
        return len(re.findall(r"Pulled a task from the Tasks queue", self.log))


class Looking:
    """A thread that asks a question again and again and remembers every answer that is not the expected one."""

    def __init__(self, question, pause=0.0):
        self.question, self.pause = question, pause
        self.asked, self.wrong = 0, []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._end.is_set():
            try:
                answer = self.question()
                if answer is not True:
                    self.wrong.append(answer)
            except Exception as error:  # noqa: BLE001  any failure is what the test wants to see
                self.wrong.append(error)
            self.asked += 1
            self._end.wait(self.pause)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(30)
