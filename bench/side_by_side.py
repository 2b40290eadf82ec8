"""Side by side: sekisho, nginx, HAProxy and h2o on this machine, in turns, by the CPU time that the kernel charges to each.

Writes bench/results/side_by_side.{json,md,svg}. Counts are fixed, so that every run ends; `--quick` is for trying the bench itself.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "e2e")]

import report  # noqa: E402
from servers import SERVERS, StaticBackend, serial_shown  # noqa: E402
from support.authority import Authority  # noqa: E402

LOAD = HERE.parent / "build" / "tools" / "load"


def load(*words):
    done = subprocess.run([LOAD, *map(str, words)], capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"load {words}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def handshakes(server, count, name="ecdsa.example.com", resumed=False):
    result = load("handshakes", "-address", f"127.0.0.1:{server.port}", "-name", name, "-path", "/1k", "-count", count,
                  "-clients", 8, *(["-resumed"] if resumed else []))
    if result["failed"] or (resumed and result["resumed"] < count * 0.98) or (not resumed and result["resumed"]):
        raise RuntimeError(f"{server.name}: {result}")
    return count


def requests(server, count, path, *options):
    done = subprocess.run(["h2load", "-n", str(count), *map(str, options), f"https://ecdsa.example.com:{server.port}{path}",
                           f"--connect-to=127.0.0.1:{server.port}"], capture_output=True, text=True, timeout=600)
    good = re.search(r"status codes: (\d+) 2xx", done.stdout)
    if not good or int(good[1]) != count:
        raise RuntimeError(f"{server.name} {path}: {done.stdout[-1500:]}{done.stderr}")
    return count


# name, title, what one round does (returns the operations done), count
ROWS = (
    ("full_ecdsa", "full TLS 1.3 handshake + GET, ECDSA P-256", handshakes, 1000),
    ("full_rsa", "the same, RSA-2048", lambda s, n: handshakes(s, n, "rsa.example.com"), 600),
    ("resumed", "resumed handshake + GET", lambda s, n: handshakes(s, n, resumed=True), 1000),
    ("h1_1k", "keep-alive GET, 1 KiB, HTTP/1.1", lambda s, n: requests(s, n, "/1k", "--h1", "-c", 16), 15000),
    ("h1_fixed", "keep-alive GET, 1 KiB, HTTP/1.1, answered by the server itself", lambda s, n: requests(s, n, "/fixed", "--h1", "-c", 16), 25000),
    ("h2_1k", "GET, 1 KiB, HTTP/2, 16 streams", lambda s, n: requests(s, n, "/1k", "-c", 4, "-m", 16), 15000),
    ("h2_fixed", "GET, 1 KiB, HTTP/2, answered by the server itself", lambda s, n: requests(s, n, "/fixed", "-c", 4, "-m", 16), 30000),
    ("h1_1m", "1 MiB body, HTTP/1.1", lambda s, n: requests(s, n, "/1m", "--h1", "-c", 8), 500),
    ("h2_1m", "1 MiB body, HTTP/2", lambda s, n: requests(s, n, "/1m", "-c", 8, "-m", 1, "-w", 24, "-W", 26), 500),
)


def cpu_rows(servers, rounds, share):
    """Row -> server -> microseconds of CPU an operation, one figure a round, the servers in turn within each round."""
    found = {row[0]: {s.name: [] for s in servers} for row in ROWS}
    for number in range(rounds + 1):  # the first is for warming up, and smaller
        for row, _, work, count in ROWS:
            # Who comes first is another one each time: what runs beside us on the machine then meets all alike.
            for server in servers[number % len(servers):] + servers[:number % len(servers)]:
                operations = max(8, int(count * share * (1 if number else 0.2)))
                before = server.cpu()
                try:
                    done = work(server, operations)
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    print(f"  {row} {server.name}: {str(error)[:800]}", flush=True)
                    continue
                if number:
                    found[row][server.name].append((server.cpu() - before) / done * 1e6)
            if number:
                print(f"  round {number} {row}: " + ", ".join(
                    f"{n} {v[-1]:.1f}" for n, v in found[row].items() if v), flush=True)
    return found


def idle_memory(kind, setting, count):
    """Bytes of memory for one idle TLS connection that has made a request."""
    server = kind(setting["folder"] / "idle", setting["pairs"], setting["backend"])
    server.start()
    try:
        handshakes(server, 200)
        before = server.memory()
        client = subprocess.Popen([LOAD, "idle", "-address", f"127.0.0.1:{server.port}", "-name", "ecdsa.example.com", "-path", "/fixed",
                                   "-count", str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if client.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{server.name}: idle connections did not open")
        time.sleep(1)
        grown = server.memory() - before
        result = json.loads(client.communicate(timeout=60)[0])
        if result["failed"]:
            raise RuntimeError(f"{server.name}: {result}")
        return grown / count
    finally:
        server.stop()


def many_certificates(kind, setting, many, authority):
    """Start, memory and the replacement of one certificate under load."""
    server = kind(setting["folder"] / "many", setting["pairs"], setting["backend"], many)
    try:
        started = server.start(180)
        names = server.many_names()
        memory = server.memory()
        result = {"start_s": started, "memory_mib": memory / 2**20}
        words = ("handshakes", "-address", f"127.0.0.1:{server.port}", "-name", "example.com", "-names", len(names),
                 "-path", "/1k", "-count", 2000, "-clients", 4)
        calm = load(*words)
        result["calm_p99_ms"], result["calm_failed"] = calm["p99_ms"], calm["failed"]
        if server.replaced is None:
            return result
        times, outcome = [], {}

        def change():
            for name in names[:3]:
                fresh = authority.issue(f"{name}.example.com")
                fresh.write(many, name)
                (many / f"{name}.pem").write_bytes(fresh.chain + fresh.key)
                begun = time.monotonic()
                server.replaced()
                wanted = fresh.leaf.public_bytes(report.DER)
                while serial_shown(server.port, f"{name}.example.com") != wanted and time.monotonic() - begun < 120:
                    time.sleep(0.005)
                times.append(time.monotonic() - begun)

        thread = threading.Thread(target=change)
        thread.start()
        worst, failed = 0, 0
        while thread.is_alive():
            outcome = load(*words)
            worst, failed = max(worst, outcome["p99_ms"]), failed + outcome["failed"]
        thread.join()
        result.update(replace_s=statistics.median(times), changing_p99_ms=worst, changing_failed=failed)
        return result
    finally:
        server.stop()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    # Many short rounds: a machine that is shared swings for seconds at a time, and a median forgets those.
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--share", type=float, default=1.0, help="of the operations of each row")
    options.add_argument("--quick", action="store_true", help="2 rounds, a tenth of the operations, 500 certificates")
    options.add_argument("--connections", type=int, default=5000)
    options.add_argument("--certificates", type=int, default=10000)
    options.add_argument("--servers", default="sekisho,nginx,haproxy,h2o")
    options.add_argument("--output", type=pathlib.Path, default=HERE / "results")
    options.add_argument("--without", default="", help="parts to leave out: cpu,idle,many")
    chosen = options.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.share, chosen.connections, chosen.certificates = 2, 0.1, 500, 500
    kinds = [k for k in SERVERS if k.name in chosen.servers.split(",") and k.available()]
    left_out = [k.name for k in SERVERS if k not in kinds]
    if left_out:
        print(f"not here, left out: {', '.join(left_out)}")
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as temporary:
        folder = pathlib.Path(temporary)
        folder.chmod(0o755)
        authority = Authority("bench CA")
        pairs = {}
        for kind in ("ecdsa", "rsa"):
            pair = authority.issue(f"{kind}.example.com", kind=kind)
            both = folder / f"{kind}.pem"
            both.write_bytes(pair.chain + pair.key)
            pairs[f"{kind}.example.com"] = (*pair.write(folder, kind), both)
        backend = StaticBackend(folder, pairs, None)
        backend.start()
        setting = {"folder": folder, "pairs": pairs, "backend": f"127.0.0.1:{backend.port}"}
        try:
            results = measure(kinds, setting, chosen, authority)
        finally:
            backend.stop()
    results["machine"] = {"system": platform.platform(), "cores": os.cpu_count(), "rounds": chosen.rounds,
                          "share": chosen.share, "connections": chosen.connections, "certificates": chosen.certificates}
    results["titles"] = {row[0]: row[1] for row in ROWS}
    report.write(results, chosen.output)
    print((chosen.output / "side_by_side.md").read_text())


def measure(kinds, setting, chosen, authority):
    results = {"cpu_us": {}, "idle_bytes": {}, "many": {}}
    if "cpu" not in chosen.without:
        servers = [kind(setting["folder"], setting["pairs"], setting["backend"]) for kind in kinds]
        try:
            for server in servers:
                server.start()
            results["cpu_us"] = cpu_rows(servers, chosen.rounds, chosen.share)
        finally:
            for server in servers:
                server.stop()
    if "idle" not in chosen.without:
        for kind in kinds:
            guarded(results["idle_bytes"], kind.name, lambda: idle_memory(kind, setting, chosen.connections))
    if "many" not in chosen.without:
        many = setting["folder"] / "store"
        for i in range(chosen.certificates):
            pair = authority.issue(f"n{i}.example.com")
            pair.write(many, f"n{i}")
            (many / f"n{i}.pem").write_bytes(pair.chain + pair.key)
        for kind in kinds:
            guarded(results["many"], kind.name, lambda: many_certificates(kind, setting, many, authority))
    return results


def guarded(results, name, work):
    try:
        results[name] = work()
        print(f"  {name}: {results[name]}", flush=True)
    except (RuntimeError, subprocess.TimeoutExpired, ValueError) as error:
        print(f"  {name}: {str(error)[:1500]}", flush=True)


if __name__ == "__main__":
    main()
