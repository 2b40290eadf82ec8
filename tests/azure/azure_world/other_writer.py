"""OtherWriter: another controller of the same gateway, in a thread, with the manners of AGIC.

It has certificates and listeners of its own, named by its prefix, and keeps the rest of what it reads, sooner or later: between its
GET and its PUT there is time. What it put and does not find again it puts once more; it counts how often that was.
"""

import base64
import copy
import random
import threading
import time

from .caller import Caller

VERSION = "2025-07-01"


class OtherWriter:
    """`thinks`: seconds between GET and PUT at most; `rests`: between two rounds at most. Not `polite`: it writes the certificates
    of its own and no others, which is what AGIC does with a gateway that is not shared."""

    def __init__(self, world, gateway, authority, *, prefix="agic-", seed=1, thinks=0.05, rests=0.1, polite=True):
        self.gateway, self.prefix, self.polite = gateway, prefix, polite
        self._world, self._authority = world, authority
        self._thinks, self._rests = thinks, rests
        self._random = random.Random(seed)
        token = world.tokens.issue("https://management.azure.com", "other-writer", world.tenant)
        self._call = Caller(world.arm, world.ca, token.text)
        self.pairs = {}  # what it wants there, by name
        self.tags = {"managed-by-k8s-ingress": "1.7.2"}
        self.rounds, self.writes, self.repairs, self.errors = 0, 0, 0, []
        self._confirmed = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._over.set()
        self._thread.join(30)

    def add(self, name):
        """From its next round on it wants this certificate there."""
        self.pairs = {**self.pairs, f"{self.prefix}{name}": self._authority.issue(f"{name}.other.test")}

    @property
    def content(self):
        """All that it wants is there and served."""
        self._world.arm.operations.settle()
        return all(self.gateway.leaf(name) == pair.leaf for name, pair in self.pairs.items())

    def _run(self):
        while not self._over.is_set():
            try:
                self.round()
            except Exception as error:  # noqa: BLE001  the test looks at them
                self.errors.append(error)
            self._over.wait(self._random.uniform(0, self._rests))

    # ---- one round

    def round(self):
        """GET, and PUT if anything of its own is missing there."""
        self.rounds += 1
        wanted = dict(self.pairs)
        said = self._call("GET", f"{self.gateway.id}?api-version={VERSION}")
        if said.status != 200:
            return
        body = said.json
        there = {each["name"] for each in body["properties"].get("sslCertificates", [])}
        missing = wanted.keys() - there
        self.repairs += len(missing & self._confirmed)
        self._confirmed |= wanted.keys() & there
        if missing or not self.tags.items() <= body.get("tags", {}).items() or (not self.polite and there - wanted.keys()):
            time.sleep(self._random.uniform(0, self._thinks))
            self._write(body, wanted)

    def _write(self, body, wanted):
        body = copy.deepcopy(body)
        properties = body["properties"]
        there = [each for each in properties.get("sslCertificates", []) if self.polite or each["name"] in wanted]
        names = {each["name"] for each in there}
        properties["sslCertificates"] = there + [self._element(name, pair) for name, pair in wanted.items() if name not in names]
        body["tags"] = {**body.get("tags", {}), **self.tags}
        said = self._call("PUT", f"{self.gateway.id}?api-version={VERSION}", body)
        if said.status in (200, 201):
            self.writes += 1
            self._wait(said.headers.get("Azure-AsyncOperation"))

    @staticmethod
    def _element(name, pair):
        return {"name": name, "properties": {"data": base64.b64encode(pair.pfx(b"msazure")).decode(), "password": "msazure"}}

    def _wait(self, operation):
        while operation and not self._over.is_set():
            said = self._call("GET", operation)
            if said.status != 200 or said.json["status"] != "InProgress":
                return
            self._over.wait(0.02)
