"""The promise: no change of certificate or configuration breaks a handshake, a request or a connection.

For SEKISHO_PROMISE_SECONDS (60) of constant full and resumed handshakes, requests over HTTP/1.1 and HTTP/2 and open
WebSockets, 1,000 certificates are replaced and the configuration is changed 100 times. Each load client of handshakes has a
local port of its own, so the kernel gives all its connections to one worker, and it never sees that worker go back.
"""

import json
import os
import pathlib
import subprocess
import threading
import time

import pytest

from support.edge import ROOT, eventually

SECONDS = int(os.environ.get("SEKISHO_PROMISE_SECONDS", "60"))
NAMES = 10
REPLACEMENTS = int(os.environ.get("SEKISHO_PROMISE_REPLACEMENTS", str(1000 * SECONDS // 60)))
RELOADS = int(os.environ.get("SEKISHO_PROMISE_RELOADS", str(100 * SECONDS // 60)))
LOAD = pathlib.Path(os.environ.get("SEKISHO_LOAD", ROOT / "build" / "tools" / "load"))


def paced(count, seconds):
    """Numbers from 0, evenly over the time."""
    begun = time.monotonic()
    for number in range(count):
        wait = begun + number * seconds / count - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        yield number


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(SECONDS * 3 + 120)
def test_nothing_breaks_while_everything_changes(run_edge, settings, backend, authority, tmp_path):
    assert LOAD.exists(), f"{LOAD} is not built; scripts/test builds it from bench/load"
    folder = tmp_path / "certificates"
    names = [f"n{i}.www.example.com" for i in range(NAMES)]
    for i, name in enumerate(names):
        authority.issue(name, serial=1).write(folder, f"n{i}")
    edge = run_edge(settings(backend, certificates=[{"directory": str(folder)}], workers=2))
    load = subprocess.Popen([LOAD, "promise", "-address", f"127.0.0.1:{edge.port}", "-name", "www.example.com", "-names", str(NAMES),
                             "-seconds", str(SECONDS), "-clients", "3", "-path", "/status/200"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    # Made ahead: the cores are for the load.
    fresh = [authority.issue(names[i % NAMES], serial=2 + i // NAMES) for i in range(REPLACEMENTS)]
    changing = SECONDS - 8

    def replace():
        for number in paced(REPLACEMENTS, changing):
            load.stdin.write(f"{number % NAMES} {fresh[number].serial}\n")
            load.stdin.flush()
            fresh[number].write(folder, f"n{number % NAMES}")

    def reconfigure():
        for number in paced(RELOADS, changing):
            edge.write(routes=[{"backend": "app", "name": f"r{number % 2}"},
                               {"path": {"prefix": f"/unused{number}"}, "respond": {"body": str(number)}}])

    before = edge.generation
    changes = [threading.Thread(target=replace), threading.Thread(target=reconfigure)]
    for thread in changes:
        thread.start()
    for thread in changes:
        thread.join()
    # communicate() would close the input, which is fine: everything has been said.
    out, _ = load.communicate(timeout=SECONDS + 60)
    result = json.loads(out)
    print("promise:", json.dumps(result), "generations:", edge.generation - before)
    assert result["failures"] == 0, result["errors"]
    assert result["never_issued"] == result["stale"] == result["went_back"] == 0, result
    assert result["full"] > 20 * SECONDS and result["resumed"] > 20 * SECONDS, "too little load to say anything"
    assert result["requests"] > 20 * SECONDS and result["frames"] > 20 * SECONDS
    assert result["newest"] == [fresh[-NAMES + i].serial for i in range(NAMES)], "the last ones were served"
    assert edge.generation - before >= RELOADS // 4, "changes were taken while the load was on"
    eventually(lambda: edge.admin("/readyz")[0] == 200)
