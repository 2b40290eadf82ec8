"""KeyVault: the data plane of vaults, api-version 7.2 and what is newer and the same. One server; the vault is the first label of
the host by which it is asked, and `default` where that is an address."""

import random
import secrets
import threading

from . import vault_requests
from .exchange import Answer
from .openapi import Document
from .service import Refused, Service
from .vault import Vault

NEWER = r"7\.[3-6]|2025-0[67]-01(-preview)?"
SENTENCES = {
    "ForbiddenByFirewall": "Client address is not authorized and caller is not a trusted service.",
    "ForbiddenByRbac": "Caller is not authorized to perform action on resource.",
    "AccessDenied": "The user, group or application does not have the permission on key vault.",
    "SecretDisabled": "Operation get is not allowed on a disabled secret.",
    "ObjectIsDeletedButRecoverable": "The object is currently in a deleted but recoverable state, and its name cannot be reused.",
}


class KeyVault(Service):
    """`resource` is what the challenge names and tokens must be for; None: the host itself, where it is an address."""

    name = "key_vault"

    def __init__(self, journal, context, tokens, authority_url, tenant):
        self.tokens, self.authority_url, self.tenant = tokens, authority_url, tenant
        self.resource = "https://vault.azure.net"
        self.challenge_with = "resource"  # or "scope"
        self.vaults = {}
        self.default = self.vault("my-vault")
        self.lock = threading.RLock()
        self.random = random.Random(1)
        self._pages = {}
        self._document = Document("keyvault-7.2", "certificates.json", "secrets.json", newer=NEWER)
        super().__init__(journal, context)

    def vault(self, name):
        return self.vaults.setdefault(name, Vault(name))

    def specification(self, request):
        return self._document.find(request)

    def error(self, status, code=None, message=None, inner=None):
        codes = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 429: "Throttled"}
        found = {"code": code or codes.get(status, "InternalServerError"),
                 "message": message or SENTENCES.get(inner, "said by the stand-in")}
        if inner:
            found["innererror"] = {"code": inner}
        return Answer(status, {"error": found})

    def refuse(self, status, code=None, message=None, inner=None):
        raise Refused(self.error(status, code, message, inner))

    # ---- who asks

    def _vault_of(self, request):
        host = request.headers.get("host", "").rsplit(":", 1)[0]
        is_name = "." in host and not host.replace(".", "").isdigit()
        return self.vaults.get(host.split(".")[0]) if is_name else self.default

    def _challenge(self, text):
        answer = self.error(401, "Unauthorized", text)
        named = f'{self.challenge_with}="{self.resource}{"/.default" if self.challenge_with == "scope" else ""}"'
        answer.headers["WWW-Authenticate"] = f'Bearer authorization="{self.authority_url}/{self.tenant}", {named}'
        return Refused(answer)

    def _authorize(self, exchange, permission, vault):
        request = exchange.request
        if request.bearer is None:
            if request.body:
                self._violation(request, "has a body although it shows no token")
            raise self._challenge("AKV10000: Request is missing a Bearer or PoP token.")
        why = self.tokens.faults_of(request.bearer, [self.resource])
        if why == "audience":
            self._violation(request, f"shows a token for {self.tokens.find(request.bearer).audience}")
            raise self._challenge("AKV10022: Invalid audience.")
        if why:
            raise self._challenge("AKV10046: The token is expired or of nobody.")
        exchange.caller = self.tokens.find(request.bearer).client
        if inner := vault.why_denied(permission):
            self.refuse(403, "Forbidden", inner=inner)

    # ---- what they ask

    def answer(self, exchange):
        request = exchange.request
        vault = self._vault_of(request)
        if vault is None:
            self.refuse(404, "VaultNotFound", "There is no such vault.")
        handler = vault_requests.HANDLERS.get(exchange.operation)
        if handler is None:
            self._violation(request, f"({exchange.operation}) is nothing that this stand-in does")
            self.refuse(400, "BadParameter", "This stand-in does not do that.")
        with self.lock:
            self._authorize(exchange, handler.permission, vault)
            if "api-version" not in request.query:
                self.refuse(400, "BadParameter", "api-version must be specified")
            values = self.specification(request).path_values(request.path)
            return handler(self, vault, request, {key.rsplit("-", 1)[-1]: value for key, value in values.items()})

    # ---- lists

    def page(self, vault, request, items):
        """The items in no order, a page at a time; `request` may ask for a further page."""
        size = min(int(request.query.get("maxresults", 25)), vault.page_size)
        ticket = request.query.get("$skiptoken")
        if ticket is None:
            left = list(items)
            self.random.shuffle(left)
            empty = vault.empty_pages
        else:
            left, empty = self._pages.get(ticket) or self.refuse(400, "BadParameter", "The skip token is not valid.")
        if empty:
            return self._page(request, [], left, False)
        return self._page(request, left[:size], left[size:], vault.empty_pages)

    def _page(self, request, items, left, empty):
        link = None
        if left:
            ticket = secrets.token_urlsafe(24)
            self._pages[ticket] = (left, empty)
            more = f"&maxresults={request.query['maxresults']}" if "maxresults" in request.query else ""
            link = f"{request.base}{request.path}?api-version={request.query['api-version']}&$skiptoken={ticket}{more}"
        return Answer(200, {"value": items, "nextLink": link})
