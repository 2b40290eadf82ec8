"""Clients: curl and openssl as people use them, and raw HTTP/1.1 and HTTP/2 where a test must see the bytes."""

import json
import socket
import ssl
import subprocess

import h2.config
import h2.connection
import h2.events
import h2.settings

from . import websocket


def curl(edge, path, *options, host="www.example.com", ca=None, scheme="https", check=0, patience=60):
    """Runs curl against the edge by name. Returns its standard output; `%{json}` and the like go in by options."""
    port = edge.port if scheme == "https" else edge.plain_port
    trust = ["--cacert", str(ca)] if ca else ["-k"]
    done = subprocess.run(
        ["curl", "-sS", *trust, "--noproxy", "*", "--resolve", f"{host}:{port}:127.0.0.1", *options,
         f"{scheme}://{host}:{port}{path}"], capture_output=True, timeout=patience)
    if check is not None:
        assert done.returncode == check, f"curl {path}: exit {done.returncode}: {done.stderr.decode()}"
    return done.stdout.decode("latin-1")


def curl_status(edge, path, *options, **more):
    return int(curl(edge, path, "-o", "/dev/null", "-w", "%{http_code}", *options, **more))


def curl_json(edge, path, *options, **more):
    return json.loads(curl(edge, path, *options, **more))


def echo_headers(answer):
    """The headers of an echo answer, lower case, as a dict of lists."""
    found = {}
    for name, value in answer["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return found


def s_client(edge, *options, server_name="www.example.com", send=b"", patience=20):
    """Runs openssl s_client; returns (exit code, output). `send` is typed in before the end of input."""
    name = ["-servername", server_name] if server_name else ["-noservername"]
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{edge.port}", *name, *options],
                          input=send, capture_output=True, timeout=patience)
    return done.returncode, (done.stdout + done.stderr).decode("latin-1")


def tls_context(ca=None, alpn=("http/1.1",), client=None):
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(ca) if ca else None)
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if client:
        context.load_cert_chain(*map(str, client))
    return context


def tls_socket(port, *, name="www.example.com", context=None, before=b"", session=None, patience=20, receive_buffer=None):
    """A connected TLS socket. `before` is sent in clear first (a PROXY header)."""
    raw = socket.socket()
    raw.settimeout(patience)
    if receive_buffer:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.connect(("127.0.0.1", port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if before:
        raw.sendall(before)
    try:
        return (context or tls_context()).wrap_socket(raw, server_hostname=name, session=session)
    except BaseException:
        raw.close()
        raise


class Http1:
    """A raw HTTP/1.1 client on a connected socket."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def send(self, content):
        self.sock.sendall(content if isinstance(content, bytes) else content.encode("latin-1"))

    def line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def exactly(self, count):
        while len(self.buffer) < count:
            self._more()
        piece, self.buffer = self.buffer[:count], self.buffer[count:]
        return piece

    def _more(self):
        more = self.sock.recv(65536)
        if not more:
            raise EOFError(f"closed after {self.buffer[:200]!r}")
        self.buffer += more

    def head(self):
        """Status and headers (lower case) of the next head."""
        status = int(self.line().split(b" ")[1])
        headers = {}
        while line := self.line():
            name, _, value = line.decode("latin-1").partition(":")
            headers.setdefault(name.lower(), []).append(value.strip())
        return status, headers

    def response(self, method="GET"):
        """Status, headers, body and trailers of the next response."""
        status, headers = self.head()
        trailers = {}
        if method == "HEAD" or status in (204, 304) or status < 200:
            return status, headers, b"", trailers
        if "chunked" in headers.get("transfer-encoding", [""])[0]:
            pieces = []
            while size := int(self.line().split(b";")[0], 16):
                pieces.append(self.exactly(size))
                self.line()
            while line := self.line():
                name, _, value = line.decode("latin-1").partition(":")
                trailers[name.lower()] = value.strip()
            return status, headers, b"".join(pieces), trailers
        if "content-length" in headers:
            return status, headers, self.exactly(int(headers["content-length"][0])), trailers
        return status, headers, self.rest(), trailers

    def get(self, path, host="www.example.com", headers=""):
        self.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")
        return self.response()

    def rest(self):
        """Everything up to the end of the connection."""
        try:
            while True:
                self._more()
        except (EOFError, OSError):
            rest, self.buffer = self.buffer, b""
            return rest

    def closed(self):
        """Whether the peer has closed, or closes within the socket's patience."""
        try:
            return self.sock.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True

    def close(self):
        self.sock.close()


def http1(edge, **options):
    return Http1(tls_socket(edge.port, **options))


def plain_http1(port, patience=20):
    sock = socket.create_connection(("127.0.0.1", port), timeout=patience)
    return Http1(sock)


class Http2:
    """A small HTTP/2 client: streams by number, events kept until asked for."""

    def __init__(self, sock, window=None):
        self.sock = sock
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.manual = window is not None
        if window is not None:
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.headers, self.data, self.trailers, self.ended, self.resets = {}, {}, {}, set(), {}
        self.informational = {}
        self.unfiled = b""
        self.goaway = None
        self.settings = {}
        self.flush()

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def request(self, method="GET", path="/echo", host="www.example.com", headers=(), body=None, end=True, scheme="https",
                protocol=None):
        stream = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", host)]
        if protocol:
            pseudo.insert(1, (":protocol", protocol))
        self.h2.send_headers(stream, [*pseudo, *headers], end_stream=end and body is None)
        self.flush()
        if body is not None:
            self.send_data(stream, body, end)
        return stream

    def pump(self):
        """Reads once and files the events."""
        content = self.sock.recv(65536)
        if not content:
            raise EOFError("closed")
        # One frame at a time: what comes behind a GOAWAY is refused by h2 until that one is filed.
        self.unfiled += content
        while len(self.unfiled) >= 9 and len(self.unfiled) >= (end := 9 + int.from_bytes(self.unfiled[:3], "big")):
            frame, self.unfiled = self.unfiled[:end], self.unfiled[end:]
            for event in self.h2.receive_data(frame):
                self._file(event)
        self.flush()

    def _file(self, event):
        stream = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.ResponseReceived):
            self.headers[stream] = dict(event.headers)
        elif isinstance(event, h2.events.InformationalResponseReceived):
            self.informational.setdefault(stream, []).append(dict(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            self.data[stream] = self.data.get(stream, b"") + event.data
            if not self.manual and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.TrailersReceived):
            self.trailers[stream] = dict(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(stream)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[stream] = event.error_code
            self.ended.add(stream)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event
            if event.error_code == 0:  # RFC 9113 section 6.8: open streams go on, which h2 does not know
                self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
        elif isinstance(event, h2.events.RemoteSettingsChanged):
            self.settings.update({k: v.new_value for k, v in event.changed_settings.items()})

    def until(self, question):
        while not question():
            self.pump()

    def response(self, stream):
        """Status, headers, body, trailers."""
        self.until(lambda: stream in self.ended)
        headers = self.headers.get(stream, {})
        return int(headers.get(":status", 0)), headers, self.data.get(stream, b""), self.trailers.get(stream, {})

    def get(self, path, **options):
        return self.response(self.request(path=path, **options))

    def send_data(self, stream, content, end=False):
        """As fast as the peer's windows allow."""
        while True:
            self.until(lambda: not content or self.h2.local_flow_control_window(stream) > 0)
            size = min(len(content), self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            piece, content = content[:size], content[size:]
            self.h2.send_data(stream, piece, end_stream=end and not content)
            self.flush()
            if not content:
                return

    def close(self):
        self.sock.close()


def http2(edge, window=None, name="www.example.com", patience=20, **options):
    context = tls_context(alpn=("h2",), **options)
    sock = tls_socket(edge.port, name=name, context=context, patience=patience)
    assert sock.selected_alpn_protocol() == "h2"
    return Http2(sock, window)


class WebSocket:
    """A WebSocket over HTTP/1.1 on an Http1 client, opened."""

    def __init__(self, http, path="/ws", host="www.example.com"):
        self.http = http
        key = websocket.new_key()
        http.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n")
        self.status, self.headers = http.head()
        assert self.status == 101, f"status {self.status} {self.headers}"
        assert self.headers["sec-websocket-accept"] == [websocket.accept_key(key)]

    def echo(self, payload):
        self.http.send(websocket.encode(websocket.BINARY, payload))
        kind, back = websocket.decode(self.http.exactly)
        assert (kind, back) == (websocket.BINARY, payload)

    def close(self):
        self.http.send(websocket.encode(websocket.CLOSE, b"\x03\xe8"))
        assert websocket.decode(self.http.exactly)[0] == websocket.CLOSE
        self.http.close()


class WebSocketOverHttp2:
    """RFC 8441: CONNECT with :protocol websocket; frames in DATA."""

    def __init__(self, client, path="/ws", host="www.example.com"):
        self.client = client
        client.until(lambda: client.settings)
        assert client.settings.get(8) == 1, "SETTINGS_ENABLE_CONNECT_PROTOCOL was not announced"
        self.stream = client.request("CONNECT", path, host, [("sec-websocket-version", "13")], end=False,
                                     protocol="websocket")
        client.until(lambda: self.stream in client.headers or self.stream in client.ended)
        assert client.headers[self.stream][":status"] == "200", client.headers[self.stream]
        self.taken = 0

    def _exactly(self, count):
        self.client.until(lambda: len(self.client.data.get(self.stream, b"")) >= self.taken + count
                          or self.stream in self.client.ended)
        piece = self.client.data[self.stream][self.taken:self.taken + count]
        if len(piece) < count:
            raise EOFError("stream ended")
        self.taken += count
        return piece

    def echo(self, payload):
        self.client.send_data(self.stream, websocket.encode(websocket.BINARY, payload))
        kind, back = websocket.decode(self._exactly)
        assert (kind, back) == (websocket.BINARY, payload)
