"""Arm: Resource Manager, as far as DNS zones and application gateways go."""

import secrets
import threading

from . import dns_requests, gateway_requests
from .dns_zones import Zone
from .exchange import Answer
from .gateway import Gateway
from .gateway_schema import faults_of_body
from .openapi import Document
from .operations import Operations
from .service import Refused, Service

SUBSCRIPTION, GROUP = "00000000-1111-2222-3333-444444444444", "edge-group"
# Everything since 2021-02-01 that names a version of the network provider.
NEWER_NETWORK = r"202[1-9]-\d\d-\d\d"


class Arm(Service):
    """`denied` are operations (operationId) that the caller has no role for; "*" means all."""

    name = "arm"

    def __init__(self, journal, context, tokens, authority_url, tenant, key_vault):
        self.tokens, self.authority_url, self.tenant, self.key_vault = tokens, authority_url, tenant, key_vault
        self.zones, self.gateways = [], []
        self.audiences = []  # whom tokens have to be for
        self.denied = set()
        self.page_size = 100
        self.lock = threading.RLock()
        self.operations = Operations(self)
        self._pages = {}
        self._documents = [Document("dns-2018-05-01", "dns.json"),
                           Document("network-2021-02-01", "applicationGateway.json", newer=NEWER_NETWORK, read_only=True)]
        super().__init__(journal, context)

    # ---- what tests put there

    def add_zone(self, name, subscription=SUBSCRIPTION, group=GROUP):
        self.zones.append(Zone(subscription, group, name))
        return self.zones[-1]

    def add_gateway(self, name="edge-gateway", subscription=SUBSCRIPTION, group=GROUP, **options):
        self.gateways.append(Gateway(self, subscription, group, name, **options))
        return self.gateways[-1]

    # ---- requests

    def specification(self, request):
        return next((found for document in self._documents if (found := document.find(request))), None)

    def error(self, status, code=None, message=None):
        codes = {401: "AuthenticationFailed", 403: "AuthorizationFailed", 404: "ResourceNotFound", 409: "Conflict",
                 429: "TooManyRequests"}
        return Answer(status, {"error": {"code": code or codes.get(status, "InternalServerError"),
                                         "message": message or "said by the stand-in"}})

    def refuse(self, status, code=None, message=None):
        raise Refused(self.error(status, code, message))

    def _authorize(self, exchange):
        request = exchange.request
        why = self.tokens.faults_of(request.bearer, self.audiences) if request.bearer else "none"
        if why:
            if why == "audience":
                self._violation(request, f"shows a token for {self.tokens.find(request.bearer).audience}")
            code = {"none": "AuthenticationFailed", "audience": "InvalidAuthenticationTokenAudience",
                    "expired": "ExpiredAuthenticationToken"}.get(why, "InvalidAuthenticationToken")
            answer = self.error(401, code, "The access token is missing, invalid or expired.")
            answer.headers["WWW-Authenticate"] = (
                f'Bearer authorization_uri="{self.authority_url}/{self.tenant}", error="invalid_token", error_description="{why}"')
            raise Refused(answer)
        exchange.caller = self.tokens.find(request.bearer).client
        if {"*", exchange.operation} & self.denied:
            self.refuse(403, "AuthorizationFailed", f"The client '{exchange.caller}' is not authorized to perform the action.")

    def answer(self, exchange):
        request = exchange.request
        if self.operations.owns(request):
            exchange.operation = "operation"
        with self.lock:
            self._authorize(exchange)
            if exchange.operation == "operation":
                return self.operations.answer(request)
            handler = dns_requests.HANDLERS.get(exchange.operation) or gateway_requests.HANDLERS.get(exchange.operation)
            if handler is None:
                self._violation(request, f"({exchange.operation}) is nothing that this stand-in does")
                self.refuse(400, "NoRegisteredProviderFound")
            if exchange.operation == "ApplicationGateways_CreateOrUpdate":
                for text in faults_of_body(request):
                    self._violation(request, text)
            return handler(self, request, self.specification(request).path_values(request.path))

    def must_be_published(self, request):
        return not self.operations.owns(request)

    # ---- what requests are about

    def find_zone(self, subscription, group, name):
        for zone in self.zones:
            if (zone.subscription, zone.group.lower(), zone.name) == (subscription, group.lower(), name.lower()):
                return zone
        return self.refuse(404, "ResourceNotFound", f"The Resource 'Microsoft.Network/dnszones/{name}' under resource group "
                                                    f"'{group}' was not found.")

    def find_gateway(self, values):
        """None: there is none."""
        wanted = (values["subscriptionId"], values["resourceGroupName"].lower(), values["applicationGatewayName"].lower())
        return next((each for each in self.gateways
                     if (each.subscription, each.group.lower(), each.name.lower()) == wanted), None)

    def page(self, request, items):
        ticket = next((value for name, value in request.query.items() if name.lower() == "$skiptoken"), None)
        left = self._pages.get(ticket, []) if ticket else list(items)
        size = min(int(request.query.get("$top", self.page_size)), self.page_size)
        found = {"value": left[:size]}
        if left[size:]:
            ticket = secrets.token_hex(12)
            self._pages[ticket] = left[size:]
            found["nextLink"] = f"{request.base}{request.path}?api-version={request.query['api-version']}&$skipToken={ticket}"
        return Answer(200, found)
