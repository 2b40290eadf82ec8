"""Imds: the metadata service of a machine, by which it gets tokens of its managed identities. Without TLS: its address is a
link-local one."""

import time

from .exchange import Answer
from .service import Refused, Service

VERSIONS = {"2018-02-01", "2019-08-01", "2021-02-01"}


class Imds(Service):
    """`identities` are the client ids of the machine's identities; the first is the one that is meant where none is named."""

    name = "imds"
    published = False

    def __init__(self, journal, tokens, resources, tenant):
        self.tokens, self.resources, self.tenant = tokens, resources, tenant
        self.identities = []
        self.objects = {}  # object or resource id → client id
        super().__init__(journal)

    def error(self, status, code=None, message=None):
        return Answer(status, {"error": code or "server_error", "error_description": message or "said by the stand-in"})

    def answer(self, exchange):
        request = exchange.request
        if request.path != "/metadata/identity/oauth2/token" or request.method != "GET":
            self._violation(request, "is nothing that IMDS has")
            raise Refused(self.error(404, "not_found"))
        exchange.operation = "token"
        if request.headers.get("metadata") != "true":
            self._violation(request, "lacks the header Metadata: true")
            raise Refused(self.error(400, "bad_request_102", "Required metadata header not specified"))
        if "x-forwarded-for" in request.headers:
            raise Refused(self.error(400, "bad_request_103", "X-Forwarded-For is not allowed"))
        if request.query.get("api-version") not in VERSIONS:
            self._violation(request, "has no api-version of IMDS")
            raise Refused(self.error(400, "bad_request_101", "Required parameter not specified: api-version"))
        resource = request.query.get("resource", "")
        if resource.rstrip("/") not in self.resources:
            if resource.endswith("/.default"):
                self._violation(request, "asks for a scope where a resource stands")
            raise Refused(self.error(400, "invalid_resource",
                                     f"AADSTS500011: The resource principal named {resource} was not found"))
        client = self._identity(request.query)
        exchange.caller = client
        token = self.tokens.issue(resource, client, self.tenant)
        now = int(time.time())
        return Answer(200, {"access_token": token.text, "client_id": client, "expires_in": str(int(self.tokens.lifetime)),
                            "expires_on": str(int(token.expires)), "ext_expires_in": str(int(self.tokens.lifetime)),
                            "not_before": str(now), "resource": resource, "token_type": "Bearer"})

    def _identity(self, query):
        named = [query[key] for key in ("client_id", "object_id", "msi_res_id") if key in query]
        if not named and self.identities:
            return self.identities[0]
        found = self.objects.get(named[0], named[0]) if len(named) == 1 else None
        if found not in self.identities:
            raise Refused(self.error(400, "invalid_request", "Identity not found"))
        return found
