"""Operations: what takes time at Resource Manager. Each has a URL of its own that is asked until it is over."""

import re
import threading
import time
import uuid
from dataclasses import dataclass, field

from .exchange import Answer

RUNNING, SUCCEEDED, FAILED, CANCELED = "InProgress", "Succeeded", "Failed", "Canceled"
PATH = r"/subscriptions/([^/]+)/providers/Microsoft\.Network/locations/([^/]+)/(operations|operationResults)/([0-9a-f-]+)"


@dataclass
class Operation:
    name: str
    subscription: str
    done: object  # called once, with the status that it ends with
    seconds: float
    outcome: str = SUCCEEDED
    error: dict | None = None
    status: str = RUNNING
    begun: float = field(default_factory=time.monotonic)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Operations:
    """`seconds`: how long the next ones take; `retry_after`: what they ask for between two questions. An operation whose gate is
    not set does not end."""

    def __init__(self, arm):
        self._arm, self._all = arm, {}
        self.seconds, self.retry_after = 0.2, 1
        self.gate = threading.Event()
        self.gate.set()

    def begin(self, name, subscription, done, outcome=SUCCEEDED, error=None):
        operation = Operation(name, subscription, done, self.seconds, outcome, error)
        self._all[operation.id] = operation
        return operation

    def headers(self, request, operation):
        where = f"{request.base}/subscriptions/{operation.subscription}/providers/Microsoft.Network/locations/westeurope"
        version = request.query["api-version"]
        return {"Azure-AsyncOperation": f"{where}/operations/{operation.id}?api-version={version}",
                "Retry-After": str(self.retry_after)}

    def settle(self):
        """Ends what is over by now. The answers of Resource Manager are of the time at which they are given."""
        for operation in list(self._all.values()):
            if operation.status == RUNNING and self.gate.is_set() and time.monotonic() >= operation.begun + operation.seconds:
                self.end(operation, operation.outcome, operation.error)

    def end(self, operation, status, error=None):
        if operation.status == RUNNING:
            operation.status, operation.error = status, error
            operation.done(status)

    @staticmethod
    def owns(request):
        return re.fullmatch(PATH, request.path, re.IGNORECASE) is not None

    def answer(self, request):
        self.settle()
        found = self._all.get(re.fullmatch(PATH, request.path, re.IGNORECASE)[4])
        if found is None:
            return self._arm.error(404, "OperationNotFound")
        body = {"status": found.status, **({"error": found.error} if found.error else {})}
        return Answer(200, body, {"Retry-After": str(self.retry_after)} if found.status == RUNNING else {})
