"""Caller: a bare HTTP client for the tests of the stand-in itself. It comes by an address and may name any host."""

import http.client
import json
import ssl
import urllib.parse
from dataclasses import dataclass

from .server import LOOPBACK


@dataclass
class Said:
    status: int
    headers: dict
    content: bytes

    @property
    def json(self):
        return json.loads(self.content)


class Caller:
    def __init__(self, service, ca, token=None, host=None):
        self.service, self.token, self.host = service, token, host
        self.context = ssl.create_default_context(cafile=str(ca))

    def __call__(self, method, target, body=None, *, headers=None, kind="application/json"):
        """`body` becomes JSON if it is no text. A target that is a URL is followed by its path and query."""
        parts = urllib.parse.urlsplit(target)
        target = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
        sent = {"Host": self.host or parts.netloc or f"{LOOPBACK}:{self.service.port}"}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent["Content-Type"] = kind
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        secure = self.service.url.startswith("https")
        connection = (http.client.HTTPSConnection(LOOPBACK, self.service.port, timeout=20, context=self.context) if secure
                      else http.client.HTTPConnection(LOOPBACK, self.service.port, timeout=20))
        try:
            connection.request(method, target, body, {**sent, **(headers or {})})
            answer = connection.getresponse()
            return Said(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def form(self, target, **fields):
        return self("POST", target, urllib.parse.urlencode(fields), kind="application/x-www-form-urlencoded")
