"""Clouds: the names that the services have in each of Azure's, and the proxy by which a client that knows these alone gets here."""

import contextlib
import socket
import threading
from dataclasses import dataclass

from .server import LOOPBACK


@dataclass(frozen=True)
class Cloud:
    name: str  # as `azure.cloud` has it
    login: str
    management: str
    core: str  # the older name of Resource Manager as an audience
    vaults: str

    @property
    def vault_resource(self):
        return f"https://{self.vaults}"

    @property
    def arm_audiences(self):
        return [f"https://{self.management}", f"https://{self.core}"]

    @property
    def names(self):
        return (self.login, self.management, self.vaults, f"*.{self.vaults}")


PUBLIC = Cloud("public", "login.microsoftonline.com", "management.azure.com", "management.core.windows.net", "vault.azure.net")
US_GOVERNMENT = Cloud("us_government", "login.microsoftonline.us", "management.usgovcloudapi.net",
                      "management.core.usgovcloudapi.net", "vault.usgovcloudapi.net")
CHINA = Cloud("china", "login.chinacloudapi.cn", "management.chinacloudapi.cn", "management.core.chinacloudapi.cn", "vault.azure.cn")
ALL = (PUBLIC, US_GOVERNMENT, CHINA)


class WayThere:
    """An HTTP proxy that knows the names of one cloud, and leads them to the services of a world. `asked` are the names that were
    asked for; what is no name of that cloud is answered with 502. `also`: further names, and the service that has them."""

    def __init__(self, world, cloud, also=None):
        self._services = {cloud.login: world.entra, cloud.management: world.arm, **(also or {})}
        self._suffix, self._vaults = "." + cloud.vaults, world.key_vault
        self.asked = set()
        self._socket = socket.create_server((LOOPBACK, 0))
        self.url = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"
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

    def _service_of(self, name):
        return self._vaults if name.endswith(self._suffix) else self._services.get(name)

    def _serve(self, client):
        with client, contextlib.suppress(OSError):
            client.settimeout(60)
            head = b""
            while b"\r\n\r\n" not in head and (piece := client.recv(4096)):
                head += piece
            method, _, rest = head.decode("ascii", "replace").partition(" ")
            name, _, port = rest.partition(" ")[0].partition(":")
            self.asked.add(name)
            service = self._service_of(name)
            if (method, port) != ("CONNECT", "443") or service is None:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection((LOOPBACK, service.port), 10) as there:
                there.settimeout(60)
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                threading.Thread(target=_carry, args=(client, there), daemon=True).start()
                _carry(there, client)


def _carry(source, sink):
    """Until the source has ended, or the sink."""
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
