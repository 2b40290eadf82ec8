"""Zones of Azure DNS and their TXT record sets, with the history that lets a name server be behind."""

import threading
import time
import uuid
from dataclasses import dataclass, field


@dataclass
class RecordSet:
    name: str  # relative; the apex is "@"
    values: list  # of records, each a list of strings
    ttl: int
    metadata: dict | None = None
    etag: str = field(default_factory=lambda: str(uuid.uuid4()))


class Zone:
    """The limits are those of one record set."""

    records_limit, characters_limit = 20, 4096

    def __init__(self, subscription, group, name):
        self.subscription, self.group, self.name = subscription, group, name.lower().rstrip(".")
        self.etag = str(uuid.uuid4())
        self.sets = {}  # relative name in lower case → RecordSet
        self.aliases = {}  # relative name → target of a CNAME
        self._lock = threading.Lock()
        self._history = [(0.0, {})]

    @property
    def id(self):
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/Microsoft.Network/dnszones/{self.name}"

    def find(self, relative):
        return self.sets.get(relative.lower())

    def keep(self, record_set):
        with self._lock:
            self.sets[record_set.name.lower()] = record_set
            self._remember()

    def drop(self, relative):
        with self._lock:
            self.sets.pop(relative.lower(), None)
            self._remember()

    def _remember(self):
        self._history.append((time.monotonic(), {name: (each.ttl, list(each.values)) for name, each in self.sets.items()}))

    def published(self, relative, lag=0.0):
        """(TTL, records) as the name servers answer that are so many seconds behind; None: nothing."""
        until = time.monotonic() - lag
        with self._lock:
            seen = next(state for at, state in reversed(self._history) if at <= until)
        return seen.get(relative.lower())

    def relative(self, name):
        """The name's place in this zone; None: it is not in it."""
        name = name.lower().rstrip(".")
        if name == self.name:
            return "@"
        return name.removesuffix("." + self.name) if name.endswith("." + self.name) else None

    # ---- as JSON

    def as_json(self):
        return {"id": self.id, "etag": self.etag, "name": self.name, "type": "Microsoft.Network/dnszones", "location": "global",
                "tags": {}, "properties": {"maxNumberOfRecordSets": 10000, "numberOfRecordSets": 2 + len(self.sets),
                                           "nameServers": [f"ns1.{self.name}."], "zoneType": "Public"}}

    def set_as_json(self, found):
        properties = {"TTL": found.ttl, "fqdn": self.name + "." if found.name == "@" else f"{found.name}.{self.name}.",
                      "TXTRecords": [{"value": each} for each in found.values], "targetResource": {},
                      "provisioningState": "Succeeded"}
        if found.metadata is not None:
            properties["metadata"] = found.metadata
        return {"id": f"{self.id}/TXT/{found.name}", "etag": found.etag, "name": found.name,
                "type": "Microsoft.Network/dnszones/TXT", "properties": properties}
