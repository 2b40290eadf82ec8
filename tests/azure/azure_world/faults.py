"""Faults: what goes wrong with the next requests of one service. Without one everything passes."""

import fnmatch
import threading
import time
from dataclasses import dataclass, field

from .exchange import Answer, Lost


@dataclass
class Fault:
    """`before` is called with the exchange, before the service, and returns an Answer, or None to let it pass; it may raise Lost.
    `after` is called with exchange and answer and returns the answer. Taken `times` times, after `skip` matches."""
    name: str
    operation: str = "*"  # a pattern of operationId
    before: object = None
    after: object = None
    times: float = 1
    skip: int = 0
    when: object = None  # a question about the request

    def matches(self, exchange):
        return (self.times > 0 and fnmatch.fnmatchcase(exchange.operation or "", self.operation)
                and (self.when is None or self.when(exchange.request)))


@dataclass
class Faults:
    """`error(status, code)` makes an answer as the service makes its errors."""
    error: object
    _faults: list = field(default_factory=list)
    _lock: object = field(default_factory=threading.Lock)

    def add(self, fault):
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self):
        with self._lock:
            self._faults.clear()

    def take(self, exchange):
        with self._lock:
            for fault in self._faults:
                if fault.matches(exchange):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    exchange.fault = fault.name
                    return fault
        return None

    # ---- what tests ask for; `more`: operation, times, skip, when

    def fail_next(self, status, code=None, *, retry_after=None, headers=None, **more):
        """An error of the service's own form. `retry_after` may be seconds or a date; None: the header is not there."""
        def before(_exchange):
            answer = self.error(status, code)
            answer.headers.update(headers or {})
            if retry_after is not None:
                answer.headers["Retry-After"] = str(retry_after)
            return answer
        return self.add(Fault(f"fail {status}", before=before, **more))

    def garble_next(self, content=b"<html>502 Bad Gateway</html>", status=200, kind="text/html", **more):
        """Something that is no answer of the service at all."""
        return self.add(Fault("garbled", before=lambda _: Answer(status, content, {"Content-Type": kind}, raw=True), **more))

    def drop_next(self, *, done=False, **more):
        """The connection ends without an answer; done: after the request took effect."""
        def lose(*_):
            raise Lost
        return self.add(Fault("dropped", **({"after": lose} if done else {"before": lose}), **more))

    def delay_next(self, seconds, **more):
        return self.add(Fault("delayed", before=lambda _: time.sleep(seconds), **more))

    def hold_next(self, gate, **more):
        """Until the gate, an Event, is set; at most half a minute."""
        def before(_exchange):
            gate.wait(30)
        return self.add(Fault("held", before=before, **more))
