"""Event Grid: tells a webhook, in its own schema or by CloudEvents, that a vault has a new version; first it asks whether the
webhook wants to be told."""

import http.client
import json
import uuid
from datetime import datetime, timezone


def event(kind, subject, data, **more):
    return {"id": str(uuid.uuid4()), "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/my-vault",
            "subject": subject, "eventType": kind, "data": data, "dataVersion": "1", "metadataVersion": "1",
            "eventTime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.0000000Z"), **more}


class Subscription:
    """`host`, `port` and `path` are the webhook's, by plain HTTP: what stands before it ends TLS."""

    def __init__(self, port, path, host="127.0.0.1"):
        self._host, self._port, self._path = host, port, path

    def _deliver(self, kind, *events):
        connection = http.client.HTTPConnection(self._host, self._port, timeout=10)
        try:
            connection.request("POST", self._path, json.dumps(events), {
                "Content-Type": "application/json; charset=utf-8", "aeg-event-type": kind, "aeg-delivery-count": "0"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def validate(self):
        """Whether the webhook repeats the code of the handshake."""
        code = str(uuid.uuid4()).upper()
        status, body = self._deliver("SubscriptionValidation", event("Microsoft.EventGrid.SubscriptionValidationEvent", "", {
            "validationCode": code, "validationUrl": f"https://rp-westeurope.eventgrid.azure.net/eventsubscriptions/x/validate?id={code}"}))
        return status == 200 and json.loads(body) == {"validationResponse": code}

    def new_version(self, vault_url, name, version, kind="Certificate"):
        """The status that the webhook answers."""
        place = kind.lower() + "s"
        return self._deliver("Notification", event(f"Microsoft.KeyVault.{kind}NewVersionCreated", name, {
            "Id": f"{vault_url}/{place}/{name}/{version}", "VaultName": "my-vault", "ObjectType": kind, "ObjectName": name,
            "Version": version, "NBF": None, "EXP": None}))[0]


class CloudSubscription(Subscription):
    """By CloudEvents 1.0: the handshake is that of the CloudEvents webhook specification, a delivery is one event, or a batch."""

    def __init__(self, port, path, batch=False, **more):
        super().__init__(port, path, **more)
        self._batch = batch

    def _deliver(self, kind, *events):
        bodies = [{"specversion": "1.0", "id": each["id"], "source": each["topic"], "subject": each["subject"],
                   "type": each["eventType"], "time": each["eventTime"], "data": each["data"]} for each in events]
        batched = "-batch" if self._batch else ""
        return self._ask("POST", json.dumps(bodies if self._batch else bodies[0]),
                         {"Content-Type": f"application/cloudevents{batched}+json; charset=utf-8", "aeg-event-type": kind})[:2]

    def _ask(self, method, body, headers):
        connection = http.client.HTTPConnection(self._host, self._port, timeout=10)
        try:
            connection.request(method, self._path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def validate(self):
        """Whether the webhook allows this origin to deliver."""
        status, _, headers = self._ask("OPTIONS", None, {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"})
        return status == 200 and headers["WebHook-Allowed-Origin"] in ("eventgrid.azure.net", "*") and headers["WebHook-Allowed-Rate"]
