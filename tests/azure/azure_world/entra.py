"""Entra: the token endpoint of tenants, and the metadata by which clients find it."""

import datetime
import json
import re
import uuid
from dataclasses import dataclass, field

from .assertions import Assertion
from .exchange import Answer
from .service import Refused, Service

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# What client libraries add to every scope.
OPENID_SCOPES = {"openid", "profile", "offline_access", "email"}

# error_codes → (status, error, what the text says)
ERRORS = {
    50027: (400, "invalid_request", "JWT token is invalid or malformed."),
    70021: (400, "invalid_request", "No matching federated identity record found for presented assertion."),
    28000: (400, "invalid_scope", "Provided value for the input parameter scope is not valid: more than one resource."),
    70011: (400, "invalid_scope", "The provided value for the input parameter 'scope' is not valid."),
    90002: (400, "invalid_request", "Tenant not found."),
    90014: (400, "invalid_request", "The required field is missing from the request."),
    90061: (400, "invalid_request", "Request to External OIDC endpoint failed."),
    90033: (503, "temporarily_unavailable", "A transient error has occurred. Please try again."),
    500011: (400, "invalid_resource", "The resource principal was not found in the tenant."),
    700016: (400, "unauthorized_client", "Application was not found in the directory."),
    700024: (401, "invalid_client", "Client assertion is not within its valid time range."),
    700027: (401, "invalid_client", "The certificate with identifier used to sign the client assertion is not registered."),
    700211: (401, "invalid_client", "No matching federated identity record found for presented assertion issuer."),
    700212: (401, "invalid_client", "No matching federated identity record found for presented assertion audience."),
    700213: (401, "invalid_client", "No matching federated identity record found for presented assertion subject."),
    7000215: (401, "invalid_client", "Invalid client secret provided."),
}


@dataclass
class Application:
    """A client that may get tokens: by federated credentials, certificates or secrets."""
    client: str
    tenant: str
    federated: list = field(default_factory=list)
    certificates: list = field(default_factory=list)
    secrets: list = field(default_factory=list)
    propagated_after: int = 0  # so many exchanges still fail: a new credential is not known everywhere at once


class Entra(Service):
    """`separate_codes`: a mismatch is told as 700211…700213, each with what does not match, instead of 70021."""

    name = "entra"
    published = False

    def __init__(self, journal, context, tokens, resources):
        self.tokens, self.resources = tokens, resources
        self.applications = {}
        self.tenants = set()
        self.separate_codes = False
        super().__init__(journal, context)

    def register(self, tenant, client, *, federated=(), certificates=(), secrets=(), propagated_after=0):
        self.tenants.add(tenant)
        self.applications[client] = Application(client, tenant, list(federated), list(certificates), list(secrets),
                                                propagated_after)
        return self.applications[client]

    def error(self, status, code=None, message=None):
        """`code` is a number of Entra's; without one, any front end's refusal."""
        number = code or 90033
        kind = ERRORS.get(number, (0, "invalid_request", "said by the stand-in"))
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        text = f"AADSTS{number}: {message or kind[2]}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {now}"
        return Answer(status, {"error": kind[1], "error_description": text, "error_codes": [number], "timestamp": now,
                               "trace_id": trace, "correlation_id": correlation,
                               "error_uri": f"https://login.microsoftonline.com/error?code={number}"})

    def refuse_next(self, number, **more):
        """The next exchanges are refused with this AADSTS number."""
        return self.faults.fail_next(ERRORS[number][0], number, **more)

    def _refused(self, number, message=None):
        return Refused(self.error(ERRORS[number][0], number, message))

    # ---- requests

    def answer(self, exchange):
        request = exchange.request
        if found := re.fullmatch(r"/([^/]+)/oauth2/v2\.0/token", request.path):
            exchange.operation = "token"
            return self._token(exchange, found[1])
        if found := re.fullmatch(r"/([^/]+)/v2\.0/\.well-known/openid-configuration", request.path):
            exchange.operation = "metadata"
            return Answer(200, self.metadata(request.base, found[1]))
        if request.path == "/common/discovery/instance":
            exchange.operation = "discovery"
            asked = request.query.get("authorization_endpoint", "").split("/")
            tenant = asked[3] if len(asked) > 3 else "common"
            return Answer(200, {"tenant_discovery_endpoint": f"{request.base}/{tenant}/v2.0/.well-known/openid-configuration",
                                "api-version": "1.1", "metadata": []})
        self._violation(request, "is nothing that Entra has")
        return self.error(404, 90002)

    @staticmethod
    def metadata(base, tenant):
        return {"token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token", "issuer": f"{base}/{tenant}/v2.0",
                "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
                "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys", "response_types_supported": ["code", "token"],
                "subject_types_supported": ["pairwise"], "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"]}

    def _token(self, exchange, tenant):
        request = exchange.request
        if request.method != "POST" or not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            self._violation(request, "is no POST of a form")
            raise self._refused(90014)
        form = request.form
        if "client_secret" in form and "client_assertion" in form:
            self._violation(request, "has a client_secret beside an assertion")
        for name in ("grant_type", "client_id", "scope"):
            if not form.get(name):
                self._violation(request, f"lacks {name}")
                raise self._refused(90014, f"The required field '{name}' is missing from the request.")
        if tenant not in self.tenants:
            raise self._refused(90002, f"Tenant '{tenant}' not found.")
        application = self.applications.get(form["client_id"])
        if application is None or application.tenant != tenant:
            raise self._refused(700016, f"Application with identifier '{form['client_id']}' was not found.")
        exchange.caller = application.client
        self._check_proof(application, form, f"{request.base}/{tenant}/oauth2/v2.0/token")
        token = self.tokens.issue(self._resource(form["scope"]), application.client, tenant)
        return Answer(200, {"token_type": "Bearer", "expires_in": self.tokens.lifetime, "ext_expires_in": self.tokens.lifetime,
                            "access_token": token.text}, {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"})

    def _resource(self, scope):
        scopes = [each for each in scope.split() if each not in OPENID_SCOPES]
        if len(scopes) > 1:
            raise self._refused(28000)
        if not scopes or not scopes[0].endswith("/.default"):
            raise self._refused(70011, f"The scope {scope} is not valid.")
        resource = scopes[0].removesuffix("/.default")
        if resource.rstrip("/") not in self.resources:
            raise self._refused(500011, f"The resource principal named {resource} was not found.")
        return resource

    def _check_proof(self, application, form, endpoint):
        if "client_secret" in form:
            if form["client_secret"] not in application.secrets:
                raise self._refused(7000215)
            return
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
            raise self._refused(90014, "Neither client_assertion nor client_secret.")
        assertion = Assertion.read(form["client_assertion"])
        if assertion is None:
            raise self._refused(50027)
        if not assertion.in_time:
            raise self._refused(700024)
        if assertion.claims.get("iss") == application.client:
            self._check_certificate(application, assertion, endpoint)
        else:
            self._check_federated(application, assertion)

    def _check_certificate(self, application, assertion, endpoint):
        known = [each for each in application.certificates if assertion.names(each)]
        if not known or not assertion.signed_by(known[0].public_key()) or assertion.claims.get("sub") != application.client:
            raise self._refused(700027)
        if assertion.audiences != [endpoint]:
            raise self._refused(50027, f"The audience {assertion.audiences} is not {endpoint}.")

    def _check_federated(self, application, assertion):
        if application.propagated_after > 0:
            application.propagated_after -= 1
            raise self._refused(70021)
        claims, known = assertion.claims, application.federated
        with_issuer = [each for each in known if each.issuer == claims.get("iss")]
        with_subject = [each for each in with_issuer if each.subject == claims.get("sub")]
        if any(each.audience in assertion.audiences for each in with_subject):
            return
        number = 70021
        if self.separate_codes:
            number = 700212 if with_subject else 700213 if with_issuer else 700211
        raise self._refused(number, f"{ERRORS[number][2]} Assertion Issuer: '{claims.get('iss')}'. Assertion Subject: "
                                    f"'{claims.get('sub')}'. Assertion Audience: {json.dumps(assertion.audiences)}.")
