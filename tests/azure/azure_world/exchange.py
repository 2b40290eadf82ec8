"""Request, Answer and Exchange: what was asked, what was answered, and the journal that keeps both for assertions."""

import json
import threading
import time
import urllib.parse
from dataclasses import dataclass, field


@dataclass
class Request:
    service: str
    method: str
    target: str  # path and query, as sent
    headers: dict  # names in lower case
    body: bytes
    server_name: str | None = None  # SNI
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self):
        parts = urllib.parse.urlsplit(self.target)
        self.path = urllib.parse.unquote(parts.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))

    @property
    def base(self):
        """The URL by which it reached us, without a path."""
        return f"https://{self.headers.get('host', 'localhost')}"

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def bearer(self):
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" and token else None


@dataclass
class Answer:
    """`body` is bytes, None, or what becomes JSON. `raw`: as if by a machine before the service, bound by no specification."""
    status: int
    body: object = None
    headers: dict = field(default_factory=dict)
    raw: bool = False

    @property
    def content(self):
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Exchange:
    request: Request
    operation: str | None = None  # operationId of the specification
    answer: Answer | None = None  # None: the connection ended without one
    fault: str | None = None
    caller: str | None = None  # the client whose token was shown

    @property
    def status(self):
        return self.answer.status if self.answer else None


class Lost(Exception):
    """The connection ends without an answer."""


class Journal:
    """Everything asked of one world, by whichever service, and every breach of a specification."""

    def __init__(self):
        self._lock = threading.Lock()
        self._exchanges, self._violations = [], []

    def add(self, exchange):
        with self._lock:
            self._exchanges.append(exchange)

    def violation(self, text):
        with self._lock:
            self._violations.append(text)

    @property
    def violations(self):
        with self._lock:
            return list(self._violations)

    def forgive(self):
        """For tests that break the specification on purpose: returns the violations and forgets them."""
        with self._lock:
            found, self._violations = self._violations, []
            return found

    def asked(self, operation=None, *, service=None, status=None, method=None, since=0.0):
        """The exchanges that match, oldest first. `since` is of time.monotonic()."""
        with self._lock:
            return [e for e in self._exchanges
                    if (operation is None or e.operation == operation) and (service is None or e.request.service == service)
                    and (status is None or e.status == status) and (method is None or e.request.method == method)
                    and e.request.at >= since]
