"""Load: clients that go on asking while something changes, and remember what went wrong."""

import http.client
import socket
import ssl
import threading


class Load:
    """`with Load(port, host) as load: …`; each thread makes a connection, sends some requests over it and closes it. Any certificate
    will do, unless a `context` says otherwise."""

    def __init__(self, port, host, path="/", address="127.0.0.1", threads=3, requests=5, good=lambda status, body: status == 200,
                 context=None):
        self.port, self.host, self.path, self.address = port, host, path, address
        self._requests, self._good = requests, good
        self._context = context
        if context is None:
            self._context = ssl.create_default_context()
            self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self.done, self.failures, self._lock, self._end = 0, [], threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self):
        while not self._end.is_set():
            try:
                self._connection()
                self._end.wait(0.01)  # the processors are for others too
            except (OSError, http.client.HTTPException) as error:
                with self._lock:
                    self.failures.append(repr(error))
                self._end.wait(0.05)

    def _connection(self):
        raw = socket.create_connection((self.address, self.port), 10)
        with self._context.wrap_socket(raw, server_hostname=self.host) as secured:
            connection = http.client.HTTPConnection(self.host)
            connection.sock = secured
            for _ in range(self._requests):
                if self._end.is_set():
                    return
                connection.request("GET", self.path, headers={"Host": self.host})
                answer = connection.getresponse()
                body = answer.read()
                with self._lock:
                    self.done += 1
                    if not self._good(answer.status, body):
                        self.failures.append(f"{answer.status} {body[:100]!r}")
                if answer.will_close:
                    return
