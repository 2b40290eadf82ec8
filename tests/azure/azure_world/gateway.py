"""Gateway: one application gateway. The whole resource is written at once; nothing protects a writer from another one.

What is PUT is seen by the next GET at once, with provisioningState Updating; what is served changes when the operation succeeds.
"""

import copy
import uuid

from . import schemas
from .gateway_certificates import LIMIT, Installed, Unacceptable, from_vault, installed_from
from .operations import CANCELED, RUNNING, SUCCEEDED
from .starting_gateway import starting_resource


def known_to_the_oldest():
    """The members that api-version 2021-02-01 has: it shows no others, and what is PUT by it is without them."""
    return schemas.document("network-2021-02-01", "applicationGateway.json")["definitions"]["ApplicationGatewayPropertiesFormat"][
        "properties"].keys()


class Gateway:
    """`when_busy`: what becomes of a PUT while another runs: "supersede" cancels that one, "refuse" is a 429."""

    def __init__(self, arm, subscription, group, name, *, resource=None, certificates=None):
        self.arm, self.subscription, self.group, self.name = arm, subscription, group, name
        self.id = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/applicationGateways/{name}"
        self.resource = copy.deepcopy(resource) if resource is not None else starting_resource(self.id)
        self.installed = {}
        self.resource_guid = str(uuid.uuid4())
        self.state, self.running = "Succeeded", True
        self.when_busy = "supersede"
        self.operation = None
        self.writes = []  # (caller, resource) of each that was taken
        self.starts = 0  # times a PUT started it
        self._outcomes = []
        self.serving = self._served()
        for each, pair in (certificates or {}).items():
            self.install(each, pair)

    def elements(self, collection):
        return self.resource["properties"].setdefault(collection, [])

    # ---- what tests ask for

    def fail_operation_next(self, code="InternalServerError", message="The gateway could not be updated."):
        """The next PUT is taken, and its operation fails: what was PUT is seen, and not served."""
        self._outcomes.append(("Failed", {"code": code, "message": message}))

    def cancel_operation_next(self):
        self._outcomes.append((CANCELED, superseded(self.name)))

    def stop(self):
        self.running = False

    def poll_key_vault(self):
        """What it does every four hours: reads by their ids the secrets that it knows."""
        for found in self.installed.values():
            if found.secret:
                found.pair = from_vault(found.secret, self.arm.key_vault, found.secret)
        self.serving = self._served()

    def install(self, name, pair):
        """As if its owner had brought this certificate by other ways: it is served at once."""
        self.installed[name] = Installed(pair)
        if name not in self.names:
            self.elements("sslCertificates").append({"name": name, "properties": {}})
        self.serving = self._served()

    @property
    def names(self):
        return [each["name"] for each in self.elements("sslCertificates")]

    def leaf(self, name):
        """The certificate of this name that is served; None: none is."""
        pair = self.serving["certificates"].get(name)
        return pair.leaf if pair else None

    def _served(self):
        return {"certificates": {name: found.pair for name, found in self.installed.items()},
                "listeners": copy.deepcopy(self.resource["properties"].get("httpListeners", []))}

    # ---- reading

    def shown(self, version):
        """What GET shows: no data and no password, and what only GET has."""
        found = copy.deepcopy(self.resource)
        properties = found["properties"]
        if version == "2021-02-01":
            properties = found["properties"] = {name: properties[name] for name in properties.keys() & known_to_the_oldest()}
        properties |= {"provisioningState": self.state, "resourceGuid": self.resource_guid,
                       "operationalState": "Running" if self.running else "Stopped"}
        for collection, elements in properties.items():
            if isinstance(elements, list):
                for element in elements:
                    if isinstance(element, dict) and "name" in element and "properties" in element:
                        element["id"] = f"{self.id}/{collection}/{element['name']}"
                        element["properties"]["provisioningState"] = self.state
        for element in properties.get("sslCertificates", []):
            for secret in ("data", "password"):
                element["properties"].pop(secret, None)
            if element["name"] in self.installed:
                element["properties"]["publicCertData"] = self.installed[element["name"]].public
        return {**found, "name": self.name, "id": self.id, "type": "Microsoft.Network/applicationGateways",
                "etag": f'W/"{uuid.uuid5(uuid.NAMESPACE_URL, repr(self.resource))}"'}

    # ---- writing

    @property
    def busy(self):
        return self.operation is not None and self.operation.status == RUNNING

    def write(self, body, caller):
        """Takes a whole resource; returns the operation. Raises Unacceptable, and nothing changed."""
        elements = (body.get("properties") or {}).get("sslCertificates") or []
        if len(elements) > LIMIT:
            raise Unacceptable("ApplicationGatewaySslCertificateLimitReached", f"A gateway has at most {LIMIT} certificates.")
        if len({each.get("name") for each in elements}) != len(elements):
            raise Unacceptable("InvalidRequestFormat", "Two certificates have the same name.")
        installed = {each["name"]: installed_from(each, self.installed.get(each["name"]), self.arm.key_vault,
                                                  f"{self.id}/sslCertificates/{each['name']}") for each in elements}
        self._check_references(body, set(installed))
        if self.busy:
            self.arm.operations.end(self.operation, CANCELED, superseded(self.name))
        self.resource, self.installed, self.state = self._kept(body), installed, "Updating"
        self.writes.append((caller, copy.deepcopy(self.resource)))
        if not self.running:  # a PUT starts a gateway that was stopped
            self.running = True
            self.starts += 1
        outcome, error = self._outcomes.pop(0) if self._outcomes else (SUCCEEDED, None)
        self.operation = self.arm.operations.begin("PutApplicationGatewayOperation", self.subscription, self._done, outcome, error)
        return self.operation

    @staticmethod
    def _kept(body):
        kept = copy.deepcopy({key: value for key, value in body.items() if key not in ("id", "name", "type", "etag")})
        for element in kept["properties"].get("sslCertificates") or []:
            element["properties"] = {key: value for key, value in (element.get("properties") or {}).items()
                                     if key not in ("data", "password", "publicCertData")}
        return kept

    def _check_references(self, body, names):
        for listener in body["properties"].get("httpListeners") or []:
            reference = ((listener.get("properties") or {}).get("sslCertificate") or {}).get("id")
            if reference and (reference.rsplit("/", 1)[1] not in names or not reference.lower().startswith(self.id.lower())):
                raise Unacceptable("InvalidResourceReference", f"Resource {reference} referenced by resource {self.id}/"
                                                               f"httpListeners/{listener.get('name')} was not found.")

    def _done(self, status):
        if status == CANCELED:
            return  # another operation has the state now, or nobody changed it
        self.state = status
        if status == SUCCEEDED:
            self.serving = self._served()


def superseded(name):
    return {"code": "CanceledAndSupersededDueToAnotherOperation",
            "message": f"Operation PutApplicationGatewayOperation on {name} was canceled and superseded by operation "
                       "PutApplicationGatewayOperation."}
