"""Backend: an HTTP/1.1 server on a thread a connection, whose answer the path chooses.

/echo            what it received, as JSON               /status/N        that status
/chunked?n=      n chunks, then a trailer                /download?size=  so many bytes, by content-length
/upload          reads the body, says how much           /hints           103, then 200
/wait?ms=        answers late                            /stall           head and half a body, then nothing
/close           closes without an answer                /cut             closes in the middle of a body
/garbage         no HTTP at all                          /gate            answers when `gate` is set
/ws              WebSocket echo                          /big-head        a response head of 200 KB
/flood           an upgrade, then bytes without end      /long-chunk      a chunk whose extension does not end
"""

import json
import socket
import ssl
import threading
import time
from urllib.parse import parse_qs, urlsplit

from . import websocket

BLOCK = bytes(range(256)) * 4096


class Closed(Exception):
    pass


class Exchange:
    """One request on a connection."""

    def __init__(self, connection, method, target, headers):
        self.connection, self.method, self.target, self.headers = connection, method, target, headers
        parts = urlsplit(target)
        self.path, self.query = parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()}
        self.trailers = []

    def header(self, name):
        return next((v for k, v in self.headers if k.lower() == name), None)

    def body(self):
        """The body in pieces."""
        if (self.header("expect") or "").lower() == "100-continue":
            self.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in (self.header("transfer-encoding") or "").lower():
            while True:
                size = int(self.connection.line().split(b";")[0], 16)
                if size == 0:
                    break
                yield self.connection.exactly(size)
                self.connection.line()
            self.trailers = self.connection.fields()
        else:
            left = int(self.header("content-length") or 0)
            while left:
                piece = self.connection.some(min(left, 1 << 20))
                left -= len(piece)
                yield piece

    def answer(self, status, body=b"", headers=(), reason="x"):
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{k}: {v}" for k, v in headers)]
        if status >= 200 and status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        self.connection.send("\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if self.method == "HEAD" else body))


class Connection:
    def __init__(self, server, sock):
        self.server, self.sock, self.buffer = server, sock, b""

    def send(self, content):
        self.sock.sendall(content)

    def some(self, most):
        if not self.buffer:
            self.buffer = self.sock.recv(1 << 18)
            if not self.buffer:
                raise Closed
        piece, self.buffer = self.buffer[:most], self.buffer[most:]
        return piece

    def exactly(self, count):
        pieces = []
        while count:
            pieces.append(self.some(count))
            count -= len(pieces[-1])
        return b"".join(pieces)

    def line(self):
        while b"\n" not in self.buffer:
            more = self.sock.recv(65536)
            if not more:
                raise Closed
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def fields(self):
        found = []
        while line := self.line():
            name, _, value = line.decode("latin-1").partition(":")
            found.append((name, value.strip()))
        return found


class Backend:
    def __init__(self, name="backend", *, proxy_protocol=False, tls=None, port=0):
        self.name, self.proxy_protocol, self.tls = name, proxy_protocol, tls
        self.gate = threading.Event()
        self.healthy = True
        self.requests, self.connections = [], 0
        self._open = set()
        self._listen(port)

    def _listen(self, port):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        """Refuses connections from now on, and ends those there are."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for sock in list(self._open):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def reopen(self):
        self._listen(self.port)

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self._open.add(sock)
            if listener.fileno() < 0:  # close() has come between, and has not seen this one
                self._open.discard(sock)
                return sock.close()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True).start()

    def _serve(self, sock, number):
        try:
            header = None
            if self.proxy_protocol:
                header = read_proxy_header(sock)
            if self.tls is not None:
                self._open.discard(sock)
                sock = self.tls.wrap_socket(sock, server_side=True)
                self._open.add(sock)
            connection = Connection(self, sock)
            connection.number, connection.proxy_header = number, header
            while self._exchange(connection):
                pass
        except (Closed, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            self._open.discard(sock)
            sock.close()

    def _exchange(self, connection):
        first = connection.line()
        method, target, _ = first.decode("latin-1").split(" ", 2)
        exchange = Exchange(connection, method, target, connection.fields())
        self.requests.append((method, target))
        what = exchange.path.strip("/").split("/")
        handler = getattr(self, "do_" + what[0].replace("-", "_"), self.do_echo)
        return handler(exchange) is not False

    def seen(self, method_and_target):
        return self.requests.count(method_and_target)

    # ---- what it can do

    def do_echo(self, exchange):
        body = b"".join(exchange.body())
        connection = exchange.connection
        answer = {"backend": self.name, "connection": connection.number, "method": exchange.method,
                  "target": exchange.target, "headers": exchange.headers, "body_length": len(body),
                  "body": body[:4096].decode("latin-1"), "trailers": exchange.trailers,
                  "proxy": connection.proxy_header}
        exchange.answer(200, json.dumps(answer).encode(), [("Content-Type", "application/json"),
                        ("X-Backend", self.name), ("Keep-Alive", "timeout=5")])

    def do_health(self, exchange):
        exchange.answer(200 if self.healthy else 503, b"health")

    def do_status(self, exchange):
        list(exchange.body())
        status = int(exchange.path.split("/")[2])
        extra = [("Retry-After", exchange.query["retry"])] if "retry" in exchange.query else []
        exchange.answer(status, b"status\n", extra)

    def do_wait(self, exchange):
        time.sleep(int(exchange.query.get("ms", "100")) / 1000)
        self.do_echo(exchange)

    def do_gate(self, exchange):
        self.gate.wait(30)
        self.do_echo(exchange)

    def do_chunked(self, exchange):
        exchange.connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
        for number in range(int(exchange.query.get("n", "3"))):
            piece = f"piece {number}\n".encode()
            exchange.connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(int(exchange.query.get("ms", "0")) / 1000)
        exchange.connection.send(b"0\r\nX-Sum: 42\r\n\r\n")

    def do_download(self, exchange):
        size = int(exchange.query["size"])
        exchange.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        if exchange.method == "HEAD":
            return
        while size:
            piece = BLOCK if size >= len(BLOCK) else BLOCK[:size]
            exchange.connection.send(piece)
            size -= len(piece)

    def do_upload(self, exchange):
        count = sum(map(len, exchange.body()))
        exchange.answer(200, str(count).encode(), [("X-Trailers", json.dumps(exchange.trailers))])

    def do_hints(self, exchange):
        exchange.connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        exchange.answer(200, b"after hints")

    def do_early(self, exchange):
        """Answers before the body has come, and does not read it."""
        exchange.answer(403, b"no", [("Connection", "close")])
        time.sleep(0.2)
        return False

    def do_until_close(self, exchange):
        exchange.connection.send(b"HTTP/1.0 200 OK\r\n\r\nuntil close")
        return False

    def do_stall(self, exchange):
        exchange.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        self.gate.wait(30)
        return False

    def do_close(self, exchange):
        return False

    def do_cut(self, exchange):
        exchange.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        return False

    def do_cut_chunked(self, exchange):
        exchange.connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        return False

    def do_garbage(self, exchange):
        exchange.connection.send(b"\x00\x01\x02 this is no HTTP\r\n\r\n")
        return False

    def do_smuggle(self, exchange):
        exchange.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc")
        return False

    def do_big_head(self, exchange):
        exchange.answer(200, b"big", [("X-Big", "a" * 200_000)])

    def do_hop(self, exchange):
        exchange.answer(200, b"hop", [("Connection", "X-Gone"), ("X-Gone", "1"), ("X-Stays", "1"), ("Server", "b")])

    def do_flood(self, exchange):
        exchange.connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: flood\r\nConnection: Upgrade\r\n\r\n")
        while True:
            exchange.connection.send(BLOCK)

    def do_long_chunk(self, exchange):
        exchange.connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=" + b"x" * 100_000)
        self.gate.wait(30)
        return False

    def do_ws(self, exchange):
        key = exchange.header("sec-websocket-key")
        if (exchange.header("upgrade") or "").lower() != "websocket" or not key:
            return exchange.answer(400, b"no upgrade")
        exchange.connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + websocket.accept_key(key).encode() + b"\r\n\r\n")
        while True:
            kind, payload = websocket.decode(exchange.connection.exactly)
            exchange.connection.send(websocket.encode(kind, payload, masked=False))
            if kind == websocket.CLOSE:
                return False


def read_proxy_header(sock):
    """The PROXY header as text (v1) or hexadecimal (v2), read byte by byte so that nothing behind it is taken."""
    def exactly(count):
        got = b""
        while len(got) < count:
            piece = sock.recv(count - len(got))
            if not piece:
                raise Closed
            got += piece
        return got

    start = exactly(12)
    if start == b"\r\n\r\n\x00\r\nQUIT\n":
        head = exactly(4)
        return "v2:" + (start + head + exactly(int.from_bytes(head[2:], "big"))).hex()
    while not start.endswith(b"\r\n"):
        start += exactly(1)
    return start.decode("latin-1")
