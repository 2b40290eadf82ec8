"""GatewayListener: the TLS side of a gateway: shows by SNI what its listeners refer to, as soon as an operation has brought it."""

import contextlib
import socket
import ssl
import threading

from support.edge import free_port

from .server import LOOPBACK


class GatewayListener:
    """Listens at `address` ("127.0.0.1:port"). A name that no listener has is refused."""

    def __init__(self, arm, gateway, folder):
        self._arm, self._gateway, self._folder = arm, gateway, folder
        self._contexts = {}
        self.port = free_port()
        self.address = f"{LOOPBACK}:{self.port}"
        self._socket = socket.create_server((LOOPBACK, self.port))
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _run(self):
        while True:
            try:
                connection = self._socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(10)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = self._choose
        with connection, contextlib.suppress(OSError):
            with context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(1)

    def _choose(self, tls, name, _context):
        with self._arm.lock:
            self._arm.operations.settle()
            pair = self.pair_for(name or "")
        if pair is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        tls.context = self._context_of(pair)
        return None

    def pair_for(self, name):
        """What is served for this name; a listener without a host is for all."""
        found = None
        for listener in self._gateway.serving["listeners"]:
            properties = listener["properties"]
            hosts = properties.get("hostNames") or [properties.get("hostName") or "*"]
            wild = "*." + name.partition(".")[2]
            if properties.get("sslCertificate") and {name, wild, "*"} & set(hosts):
                found = self._gateway.serving["certificates"].get(properties["sslCertificate"]["id"].rsplit("/", 1)[1])
                if name in hosts:
                    return found
        return found

    def _context_of(self, pair):
        if pair.serial not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*pair.write(self._folder, f"{pair.serial:x}"))
            self._contexts[pair.serial] = context
        return self._contexts[pair.serial]
