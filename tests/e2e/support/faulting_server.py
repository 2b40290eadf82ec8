"""FaultingServer: an HTTPS server in front of pebble that writes everything down and does what pebble never does.

Pebble makes its URLs of the Host that it is asked by, so all that a client does goes through here and no answer needs
rewriting. What goes wrong, and when, is a list of faults; without one everything passes. The log has each request with its
JWS opened, so that orders can be counted.
"""

import base64
import datetime
import email.utils
import fnmatch
import http.client
import http.server
import json
import re
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass, field

from .edge import free_port
from .pebble import LOOPBACK

# What pebble calls them. Longer paths first.
OPERATIONS = [
    (r"/dir$", "directory"), (r"/nonce-plz$", "newNonce"), (r"/sign-me-up$", "newAccount"), (r"/my-account/", "account"),
    (r"/order-plz$", "newOrder"), (r"/my-order/", "order"), (r"/finalize-order/", "finalize"), (r"/authZ/", "authorization"),
    (r"/chalZ/", "challenge"), (r"/certZ/", "certificate"), (r"/revoke-cert$", "revokeCert"),
    (r"/rollover-account-key$", "keyChange"), (r"/list-orderz/", "orders"), (r"/.*renewalInfo/", "renewalInfo"),
]
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date"}


def opened(text):
    text = text or ""
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return json.loads(content) if content else None


@dataclass
class Exchange:
    """A request and what became of it."""
    number: int
    at: float  # time.monotonic()
    method: str
    path: str
    operation: str
    protected: dict | None = None  # of the JWS
    payload: object = None  # None: POST-as-GET
    forwarded: bool = False
    status: int | None = None  # as the CA answered; None: was not asked
    headers: dict = field(default_factory=dict)
    answer: bytes = b""
    sent: int | None = None  # the status that the client got; None: none
    fault: str | None = None

    @property
    def json(self):
        return json.loads(self.answer)

    @property
    def bad_nonce(self):
        return self.status == 400 and b"badNonce" in self.answer

    @property
    def names(self):
        return sorted(i["value"] for i in (self.payload or {}).get("identifiers", []))


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes


class Lost(Exception):
    """Raised by a fault: the connection ends without an answer."""


@dataclass
class Fault:
    """`before` is called with the exchange and may return an Answer, so that the CA is not asked; `after` with exchange and
    answer, and returns the answer for the client; `answered` after the client has it. The first two may raise Lost. Taken
    `times` times, after `skip` matches; a request that the CA rejects for its nonce does not count, unless `before` is there."""
    operation: str  # a pattern: "newOrder", "*"
    name: str
    before: object = None
    after: object = None
    answered: object = None
    times: float = 1
    skip: int = 0
    when: object = None  # a question about the exchange


def problem(kind, detail="said by the faulting server", status=400, headers=None, **more):
    document = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": status, **more}
    return Answer(status, {"Content-Type": "application/problem+json", **(headers or {})}, json.dumps(document).encode())


def http_date(seconds):
    return email.utils.format_datetime(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds),
                                       usegmt=True)


# ---- the faults

def rate_limited(seconds, operation="newOrder", as_date=False, status=429, **more):
    after = http_date(seconds) if as_date else str(seconds)
    return Fault(operation, "rateLimited", before=lambda _: problem(
        "rateLimited", "too many certificates already issued", status, {"Retry-After": after}), **more)


def unavailable(seconds=None, operation="*", **more):
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return Fault(operation, "503", before=lambda _: Answer(503, {"Content-Type": "text/html", **headers}, b"<h1>busy</h1>"),
                 **more)


def refused(kind, operation="newOrder", status=403, detail="said by the faulting server", document=None, **more):
    return Fault(operation, kind, before=lambda _: problem(kind, detail, status, **(document or {})), **more)


def rejected_identifier(*names, **more):
    """RFC 8555 §6.7.1: one problem for each name that is refused."""
    parts = [{"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": f"{name} is forbidden by policy",
              "identifier": {"type": "dns", "value": name}} for name in names]
    more.setdefault("when", lambda exchange: set(names) & set(exchange.names))
    return refused("rejectedIdentifier", detail="some identifiers are forbidden", document={"subproblems": parts},
                   status=400, **more)


def already_replaced(**more):
    return Fault("newOrder", "alreadyReplaced", before=lambda _: problem("alreadyReplaced", "has a replacement", 409),
                 when=lambda exchange: "replaces" in (exchange.payload or {}), **more)


def lost_request(operation, **more):
    """The CA never hears of it."""
    def lose(_):
        raise Lost
    return Fault(operation, "lost request", before=lose, **more)


def lost_answer(operation, **more):
    """The CA has done it, the client never hears of it."""
    def lose(*_):
        raise Lost
    return Fault(operation, "lost answer", after=lose, **more)


def slow(operation, seconds, **more):
    return Fault(operation, "slow", before=lambda _: time.sleep(seconds), **more)


def malformed(operation, body=b'{"status": "valid", ', **more):
    return Fault(operation, "malformed", after=lambda _, answer: Answer(answer.status, answer.headers, body), **more)


def changed(operation, change, name="changed", **more):
    """change(document) edits the JSON of a good answer in place, or returns another."""
    def after(_, answer):
        if answer.status >= 400:
            return answer
        document = json.loads(answer.body)
        document = change(document) or document
        return Answer(answer.status, answer.headers, json.dumps(document).encode())
    return Fault(operation, name, after=after, **more)


def invalid_order(kind="serverInternal", operation="order", **more):
    def spoil(document):
        document.update(status="invalid", error={"type": f"urn:ietf:params:acme:error:{kind}", "detail": "the order is lost",
                                                 "status": 500})
        document.pop("certificate", None)
    return changed(operation, spoil, "invalid order", **more)


def stamp(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def renewal_window(start_days, end_days, retry_after=None, explanation=None, **more):
    """ARI with this window, in days from now. start after end is malformed on purpose."""
    def before(_):
        document = {"suggestedWindow": {"start": stamp(start_days), "end": stamp(end_days)}}
        if explanation:
            document["explanationURL"] = explanation
        headers = {"Content-Type": "application/json"}
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        return Answer(200, headers, json.dumps(document).encode())
    more.setdefault("times", float("inf"))
    return Fault("renewalInfo", "window", before=before, **more)


def poll_renewal_info_every(seconds):
    def after(_, answer):
        return Answer(answer.status, {**answer.headers, "Retry-After": str(seconds)}, answer.body)
    return Fault("renewalInfo", "polled sooner", after=after, times=float("inf"))


def call(operation, what, moment="before", **more):
    """what(exchange) is called at the moment: "before" the CA hears of it, "after" it has done it but before the client hears
    (the client gets no answer then), or "answered"."""
    def before(exchange):
        what(exchange)
        raise Lost

    def after(exchange, _):
        what(exchange)
        raise Lost

    if moment == "before":
        return Fault(operation, "called before", before=before, **more)
    if moment == "after":
        return Fault(operation, "called after", after=after, **more)
    return Fault(operation, "called when answered", answered=what, **more)


# ---- the server

class FaultingServer:
    def __init__(self, folder, authority, pebble):
        certificate, key = authority.issue(LOOPBACK, "localhost").write(folder, "faulting")
        self.pebble, self.port = pebble, free_port()
        self.directory = f"https://{LOOPBACK}:{self.port}/dir"
        self.trust = pebble.trust
        self.faults, self.log = [], []
        self._lock = threading.Lock()
        self._connections = threading.local()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        owner = self

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def finish_request(self, request, address):
                request.settimeout(60)
                try:
                    tls = context.wrap_socket(request, server_side=True)
                except (OSError, ssl.SSLError):
                    return
                try:
                    self.RequestHandlerClass(tls, address, self)
                except (OSError, ssl.SSLError):
                    pass
                finally:
                    tls.close()

            def handle_error(self, request, address):
                pass

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                owner.handle(self)

            do_POST = do_HEAD = do_GET

        self._server = Server((LOOPBACK, self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    # ---- what goes wrong

    def inject(self, *faults):
        with self._lock:
            self.faults.extend(faults)
        return faults[0]

    def withdraw(self, *faults):
        """These, or all."""
        with self._lock:
            self.faults = [f for f in self.faults if faults and f not in faults]

    def _take(self, exchange):
        """The first fault that is due, counted as taken."""
        with self._lock:
            for fault in self.faults:
                if not fnmatch.fnmatch(exchange.operation, fault.operation) or (fault.when and not fault.when(exchange)):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times > 0:
                    fault.times -= 1
                    exchange.fault = fault.name
                    return fault
        return None

    def _give_back(self, fault, exchange):
        """The CA has not looked at the request for the sake of its nonce: it comes again."""
        with self._lock:
            fault.times += 1
            exchange.fault = None
        return None

    # ---- what was asked

    def seen(self, operation, accepted=False):
        """Exchanges of this operation; accepted: those that the CA did."""
        with self._lock:
            return [e for e in self.log if e.operation == operation
                    and (not accepted or (e.status is not None and e.status < 300))]

    def orders(self, *names):
        """Orders that the CA made, for exactly these names if any are given."""
        return [e for e in self.seen("newOrder", accepted=True) if not names or e.names == sorted(names)]

    def asked(self, operation):
        """Requests of this operation, those that came again after badNonce counted once."""
        return [e for e in self.seen(operation) if not e.bad_nonce]

    # ---- one request

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        exchange = self._record(handler, body)
        fault = self._take(exchange)
        try:
            answer = fault.before(exchange) if fault and fault.before else None
            if answer is None:
                answer = self._forward(handler, exchange, body)
                if fault and exchange.bad_nonce:
                    fault = self._give_back(fault, exchange)
                if fault and fault.after:
                    answer = fault.after(exchange, answer)
        except (Lost, OSError, http.client.HTTPException):
            handler.close_connection = True
            return
        exchange.sent = answer.status
        self._send(handler, answer)
        if fault and fault.answered:
            handler.wfile.flush()
            fault.answered(exchange)

    def _record(self, handler, body):
        operation = next((name for pattern, name in OPERATIONS if re.match(pattern, handler.path)), "other")
        with self._lock:
            exchange = Exchange(len(self.log), time.monotonic(), handler.command, handler.path, operation)
            self.log.append(exchange)
        try:
            jws = json.loads(body) if body else {}
            exchange.protected, exchange.payload = opened(jws.get("protected")), opened(jws.get("payload"))
        except (ValueError, AttributeError):
            pass
        return exchange

    def _forward(self, handler, exchange, body):
        connection = getattr(self._connections, "kept", None)
        if connection is None:
            connection = http.client.HTTPSConnection(LOOPBACK, self.pebble.port, timeout=30, context=self.pebble.context)
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in HOP_BY_HOP - {"content-length"}}
        self._connections.kept = None
        connection.request(handler.command, handler.path, body or None, headers)
        exchange.forwarded = True
        response = connection.getresponse()
        exchange.status, exchange.answer = response.status, response.read()
        exchange.headers = dict(response.getheaders())
        self._connections.kept = connection
        return Answer(response.status, {k: v for k, v in exchange.headers.items() if k.lower() not in HOP_BY_HOP},
                      exchange.answer)

    @staticmethod
    def _send(handler, answer):
        handler.send_response_only(answer.status)
        handler.send_header("Date", http_date(0))
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(answer.body)
