"""Balancers: what a cloud does for Services of type LoadBalancer: an address in their status, and connections from there to the
ready endpoints. It sees TCP only. Cluster IPs lead nowhere: there is no kube-proxy."""

import asyncio
import random
import threading

from .api import UNREACHABLE, ApiError, Watch

SERVICE_NAME = "kubernetes.io/service-name"


class Balancers:
    """One event loop in a thread of its own carries all connections."""

    def __init__(self, api, addresses):
        self._api, self._addresses = api, addresses
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="balancers")
        self._thread.start()
        self._servers, self._slices = {}, {}
        self._watches = [Watch(api, "services", self._see_service), Watch(api, "endpointslices", self._see_slice)]

    def close(self):
        for watch in self._watches:
            watch.close()

        async def end():
            for server in self._servers.values():
                server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            self._loop.call_later(0.05, self._loop.stop)
        asyncio.run_coroutine_threadsafe(end(), self._loop)
        self._thread.join(5)

    # ---- what it sees

    def _see_slice(self, what, found):
        about = found["metadata"]
        self._slices[about["namespace"], about["name"]] = None if what == "DELETED" else found

    def _see_service(self, what, found):
        about, spec = found["metadata"], found["spec"]
        key = about["namespace"], about["name"]
        if what == "DELETED" or spec.get("type") != "LoadBalancer":
            for served in [each for each in self._servers if each[:2] == key]:
                self._loop.call_soon_threadsafe(self._servers.pop(served).close)
            return
        given = (found.get("status", {}).get("loadBalancer") or {}).get("ingress")
        address = given[0]["ip"] if given else spec.get("loadBalancerIP") or self._addresses.balancer()
        for port in spec.get("ports") or []:
            if (*key, port["port"]) not in self._servers:
                self._serve(key, address, port)
        if not given:
            try:
                self._api.patch("services", *key, {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}, "status")
            except (ApiError, *UNREACHABLE):
                pass  # It is seen again after the next list.

    def _serve(self, key, address, port):
        async def begin():
            return await asyncio.start_server(lambda *streams: self._carry(key, port.get("name", ""), *streams), address,
                                              port["port"], backlog=1024)
        try:
            self._servers[*key, port["port"]] = asyncio.run_coroutine_threadsafe(begin(), self._loop).result(5)
        except OSError:
            pass  # A port below 1024, without the right to it: the address stays in the status all the same.

    # ---- what it does

    def _targets(self, key, port_name):
        """(address, port) of the endpoints that are ready; of those that end but still serve, where none is."""
        ready, serving = [], []
        for (namespace, _), found in list(self._slices.items()):
            if not found or (namespace, found["metadata"].get("labels", {}).get(SERVICE_NAME)) != key:
                continue
            ports = [each["port"] for each in found.get("ports") or [] if (each.get("name") or "") == port_name]
            for endpoint in found.get("endpoints") or []:
                conditions = endpoint.get("conditions", {})
                group = ready if conditions.get("ready", True) else serving if conditions.get("serving", True) else []
                group += [(address, port) for address in endpoint["addresses"] for port in ports]
        return ready or serving

    async def _carry(self, key, port_name, reader, writer):
        targets = self._targets(key, port_name)
        random.shuffle(targets)
        try:
            for target in targets[:3]:
                try:
                    far_reader, far_writer = await asyncio.open_connection(*target)
                    break
                except OSError:
                    continue
            else:
                return
            await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
            far_writer.close()
        finally:
            writer.close()

    @staticmethod
    async def _copy(source, sink):
        try:
            while chunk := await source.read(1 << 16):
                sink.write(chunk)
                await sink.drain()
            sink.write_eof()
        except OSError:
            sink.close()
