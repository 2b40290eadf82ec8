"""Server: an HTTP/1.1 server on loopback, over TLS or not, a thread a connection, that hands requests to a function."""

import contextlib
import http.server
import socket
import socketserver
import ssl
import threading

from support.edge import free_port

from .exchange import Lost, Request

LOOPBACK = "127.0.0.1"


def tls_context(pair, folder):
    """Of a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*pair.write(folder, "listener"))

    def remember(tls, name, _context):
        tls.asked_name = name
    context.sni_callback = remember
    return context


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one write

    def setup(self):
        if self.server.context is not None:
            self.request.settimeout(20)
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.request.settimeout(60)
        self.server.connections.add(self.request)
        super().setup()

    def finish(self):
        self.server.connections.discard(self.request)
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_):
        pass

    def _serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(self.server.service, self.command, self.path, {k.lower(): v for k, v in self.headers.items()},
                          self.rfile.read(length), getattr(self.request, "asked_name", None))
        try:
            answer = self.server.answer(request)
        except Lost:
            self.close_connection = True
            self.request.close()
            return
        content = answer.content
        self.send_response(answer.status)
        headers = dict(answer.headers)
        if content:
            headers.setdefault("Content-Type", "application/json; charset=utf-8")
        if answer.status != 204:
            headers["Content-Length"] = str(len(content))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _serve


class _Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # a client that went away, or that did not trust us


class Server:
    """Listens from the start. down() refuses connections and ends those there are; up() listens at the same port again."""

    def __init__(self, service, answer, context=None):
        self.service, self._answer, self._context = service, answer, context
        self.port = free_port()
        self._listener = None
        self.up()

    @property
    def url(self):
        return f"{'https' if self._context else 'http'}://{LOOPBACK}:{self.port}"

    def up(self):
        if self._listener is None:
            listener = _Listener((LOOPBACK, self.port), _Handler)
            listener.service, listener.answer, listener.context = self.service, self._answer, self._context
            listener.connections = set()
            self._listener = listener
            threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()

    def down(self):
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        listener.shutdown()
        listener.server_close()
        for connection in list(listener.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
