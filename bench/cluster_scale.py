"""What a large cluster costs `sekisho ingress`: time to first ready, memory, and CPU of one change, at a tenth of the size and
at the whole, against the API server of tests/kubernetes. Writes cluster_scale.{md,json}.

    scripts/bench cluster
"""

import argparse
import concurrent.futures
import json
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "kubernetes"), str(ROOT / "tests" / "e2e")]

from cluster.cluster import Cluster  # noqa: E402
from cluster.ingress_edge import IngressEdge  # noqa: E402
from cluster.objects import ingress, tls_secret  # noqa: E402
from support.authority import Authority  # noqa: E402
from support.edge import eventually  # noqa: E402

NAMESPACE = "scale"
WHOLE = {"ingresses": 5000, "secrets": 2000, "slices": 2000}
PER_SLICE = 10  # endpoints
APART = 0.2     # seconds between changes, so that each goes out alone


def host(number):
    return f"host-{number}.example.com"


def service(name):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"name": "http", "port": 80}]}}


def endpoint_slice(number, first=1):
    """`first` is where its addresses begin, so that another one is a change."""
    addresses = [f"10.{number // 250}.{number % 250}.{first + each}" for each in range(PER_SLICE)]
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": f"service-{number}", "labels": {"kubernetes.io/service-name": f"service-{number}",
                                                                 "endpointslice.kubernetes.io/managed-by": "bench"}},
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses]}


class Populace:
    """The objects, made in the order in which they are counted."""

    def __init__(self, api, authority):
        self._api, self._authority = api, authority
        self.made = dict.fromkeys(WHOLE, 0)

    def grow(self, share):
        with concurrent.futures.ThreadPoolExecutor(8) as several:
            for kind in ("slices", "secrets", "ingresses"):
                wanted = round(WHOLE[kind] * share)
                list(several.map(getattr(self, f"_{kind}"), range(self.made[kind], wanted)))
                self.made[kind] = wanted

    def _slices(self, number):
        self._api.create("services", service(f"service-{number}"), NAMESPACE)
        self._api.create("endpointslices", endpoint_slice(number), NAMESPACE)

    def _secrets(self, number):
        self._api.create("secrets", tls_secret(f"tls-{number}", self._authority.issue(host(number))), NAMESPACE)

    def _ingresses(self, number):
        tls = [(f"tls-{number}", host(number))] if number < self.made["secrets"] else []
        target = f"service-{number % self.made['slices']}"
        self._api.create("ingresses", ingress(f"web-{number}", [(host(number), "/", target)], tls=tls), NAMESPACE)


class Process:
    """CPU and memory of a process, from /proc."""

    def __init__(self, pid):
        self._folder = pathlib.Path("/proc") / str(pid)

    def cpu(self):
        """Seconds, of all threads that there are."""
        return sum(int((task / "schedstat").read_text().split()[0]) for task in (self._folder / "task").iterdir()) / 1e9

    def memory(self):
        """MiB that nobody shares."""
        for line in (self._folder / "smaps_rollup").read_text().splitlines():
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no Private_Dirty")


def idle(process, seconds=10):
    """CPU a second while nothing changes."""
    time.sleep(2)  # what was changed before is over
    before = process.cpu()
    time.sleep(seconds)
    return (process.cpu() - before) / seconds


def cost(process, change, times):
    """Milliseconds of CPU that one change costs, beyond what an idle process needs."""
    nothing = idle(process)
    begun, before = time.monotonic(), process.cpu()
    for each in range(times):
        change(each)
        time.sleep(APART)
    time.sleep(1)
    elapsed = time.monotonic() - begun
    return (process.cpu() - before - nothing * elapsed) / times * 1000


def measure(cluster, populace, authority, folder, times):
    begun = time.monotonic()
    edge = IngressEdge(folder, cluster.control_plane.admin_kubeconfig, "--class", "sekisho", namespace=NAMESPACE)
    figures = {**populace.made, "endpoints": populace.made["slices"] * PER_SLICE, "ready_seconds": time.monotonic() - begun}
    try:
        process = Process(edge.process.pid)
        figures["ready_cpu_seconds"] = process.cpu()
        figures["memory_mib"] = process.memory()
        time.sleep(3)
        api = cluster.api
        name = host(0)
        pairs = [authority.issue(name) for _ in range(2)]

        def slice_changes(each):
            api.patch("endpointslices", NAMESPACE, "service-1", {"endpoints": endpoint_slice(1, 20 + each % 100)["endpoints"]})

        def secret_changes(each):
            api.patch("secrets", NAMESPACE, "tls-0", tls_secret("tls-0", pairs[each % 2]))
        figures["slice_change_ms"] = cost(process, slice_changes, times)
        figures["secret_change_ms"] = cost(process, secret_changes, times)
        # And they did arrive.
        eventually(lambda: edge.shown(name).serial_number == pairs[(times - 1) % 2].serial, 15, "the last certificate is shown")
        seconds = []
        for pair in pairs[::-1] if times % 2 == 0 else pairs:
            begun = time.monotonic()
            api.patch("secrets", NAMESPACE, "tls-0", tls_secret("tls-0", pair))
            eventually(lambda wanted=pair: edge.shown(name).serial_number == wanted.serial, 15)
            seconds.append(time.monotonic() - begun)
        figures["secret_shown_seconds"] = statistics.median(seconds)
    finally:
        edge.kill()
    return figures


ROWS = (("Ingresses", "ingresses", "{:,.0f}"), ("TLS Secrets", "secrets", "{:,.0f}"), ("endpoints", "endpoints", "{:,.0f}"),
        ("until ready, s", "ready_seconds", "{:.1f}"), ("CPU until ready, s", "ready_cpu_seconds", "{:.1f}"),
        ("private memory, MiB", "memory_mib", "{:.0f}"), ("CPU of one changed EndpointSlice, ms", "slice_change_ms", "{:.1f}"),
        ("CPU of one changed Secret, ms", "secret_change_ms", "{:.1f}"),
        ("from a changed Secret to a handshake that shows it, s", "secret_shown_seconds", "{:.2f}"))


def table(results):
    lines = ["| | " + " | ".join(f"{row['share']:.0%}" for row in results) + " |", "| --- |" + " ---: |" * len(results)]
    for title, key, form in ROWS:
        # A difference of two measurements may be anything about nothing.
        shown = ["< 0.5" if key.endswith("_ms") and row[key] < 0.5 else form.format(row[key]) for row in results]
        lines.append(f"| {title} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=100, help="of each kind [100]")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 1.0], help="of the whole, ascending [0.1 1]")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "bench" / "results")
    chosen = parser.parse_args()
    authority, results = Authority(), []
    with tempfile.TemporaryDirectory(prefix="sekisho-scale-") as folder:
        cluster = Cluster(pathlib.Path(folder) / "cluster").start()
        try:
            cluster.api.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
            populace = Populace(cluster.api, authority)
            for share in chosen.shares:
                populace.grow(share)
                results.append({"share": share, **measure(cluster, populace, authority, pathlib.Path(folder) / f"edge-{share}",
                                                          chosen.changes)})
                print(json.dumps(results[-1]), flush=True)
        finally:
            cluster.close()
    chosen.output.mkdir(parents=True, exist_ok=True)
    (chosen.output / "cluster_scale.json").write_text(json.dumps(results, indent=1) + "\n")
    (chosen.output / "cluster_scale.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
