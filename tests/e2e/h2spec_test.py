"""h2spec: the generic, http2 and hpack suites against the TLS listener, without one failure."""

import os
import pathlib
import re
import subprocess

import pytest

from support.edge import ROOT

H2SPEC = pathlib.Path(os.environ.get("SEKISHO_H2SPEC", ROOT / "build" / "tools" / "h2spec"))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("suite", ["generic", "http2", "hpack"])
def test_h2spec_finds_no_fault(run_edge, settings, suite):
    assert H2SPEC.exists(), f"{H2SPEC} is not built; scripts/test builds it from tests/tools"
    edge = run_edge(settings(None, routes=[{"respond": {"body": "hello, h2spec\n"}}]))
    done = subprocess.run([H2SPEC, suite, "-h", "127.0.0.1", "-p", str(edge.port), "-t", "-k", "-o", "3", "--max-header-length", "4000"],
                          capture_output=True, text=True, timeout=500)
    summary = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", done.stdout)
    assert summary, done.stdout[-2000:] + done.stderr
    print(f"h2spec {suite}: {summary[0]}")
    assert summary[4] == "0" and int(summary[2]) > 0, done.stdout[done.stdout.find("Failures:"):][:6000]
