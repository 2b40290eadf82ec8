"""Service: the way of a request through any of the services: specification, fault, the service itself, specification again."""

import traceback

from .exchange import Answer, Exchange, Lost
from .faults import Faults
from .server import Server


class Refused(Exception):
    """Raised in a service: this answer, and nothing happened."""

    def __init__(self, answer):
        super().__init__(answer.status)
        self.answer = answer


class Service:
    """A service says its `name`, has `answer(exchange)` and `error(status, code, message)`, and `specification(request)`: an
    operation of the published documents (openapi.Operation), or None where nothing is published."""

    name = "service"
    published = True  # there is a document

    def __init__(self, journal, context=None):
        self.journal = journal
        self.faults = Faults(self.error)
        self.server = Server(self.name, self._handle, context)
        self.url, self.port = self.server.url, self.server.port

    def __getattr__(self, name):
        """fail_next, drop_next and the like are those of the faults."""
        if name.endswith("_next"):
            return getattr(self.faults, name)
        raise AttributeError(name)

    def down(self):
        self.server.down()

    def up(self):
        self.server.up()

    def specification(self, _request):
        return None

    def must_be_published(self, _request):
        """Whether a request that is in no document is a violation."""
        return self.published

    def error(self, status, code=None, message=None):
        return Answer(status, {"error": {"code": code or str(status), "message": message or "said by the stand-in"}})

    def _handle(self, request):
        exchange = Exchange(request)
        operation = self.specification(request)
        exchange.operation = operation.id if operation else None
        self.journal.add(exchange)
        if operation is None and self.must_be_published(request):
            self._violation(request, "is in no published document")
        if operation is not None:
            for text in operation.faults_of_request(request):
                self._violation(request, text)
        exchange.answer = answer = self._answered(exchange)
        if operation is not None and not answer.raw:
            for text in operation.faults_of_answer(request, answer):
                self._violation(request, f"was answered with {answer.status}: {text}")
        return answer

    def _answered(self, exchange):
        fault = self.faults.take(exchange)
        try:
            answer = fault.before(exchange) if fault and fault.before else None
            answer = answer or self.answer(exchange)
            return fault.after(exchange, answer) if fault and fault.after else answer
        except Refused as refused:
            return refused.answer
        except Lost:
            raise
        except Exception:  # noqa: BLE001  a mistake of the stand-in must fail the test, not hang the client
            self._violation(exchange.request, "broke the stand-in:\n" + traceback.format_exc())
            return self.error(500, "InternalServerError")

    def _violation(self, request, text):
        self.journal.violation(f"{request.service}: {request.method} {request.target} {text}")
