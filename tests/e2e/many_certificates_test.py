"""Ten thousand certificates in one directory: the start, the memory, and one of them replaced. SEKISHO_CERTIFICATES sets how many."""

import os
import time

import pytest

from certificates_test import serial
from support.edge import Edge, eventually

COUNT = int(os.environ.get("SEKISHO_CERTIFICATES", "10000"))


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_ten_thousand_certificates(run_edge, settings, backend, authority, tmp_path):
    folder = tmp_path / "store"
    for i in range(COUNT):
        authority.issue(f"n{i}.example.com").write(folder, f"n{i}")
    values = settings(backend, certificates=[{"directory": str(folder)}])
    begun = time.monotonic()
    edge: Edge = run_edge(values, start=False)
    edge.start(patience=60)
    start = time.monotonic() - begun
    memory = edge.memory() >> 20
    for i in (0, COUNT // 2, COUNT - 1):
        assert serial(edge, f"n{i}.example.com")
    fresh = authority.issue("n5.example.com")
    begun = time.monotonic()
    fresh.write(folder, "n5")
    eventually(lambda: serial(edge, "n5.example.com") == fresh.serial)
    replaced = time.monotonic() - begun
    print(f"{COUNT} certificates: start {start:.2f} s, {memory} MiB, one replaced after {replaced:.2f} s")
    assert edge.metric("x509_cert_expired") == 0
    assert start < 10 and memory < 200 and replaced < 5
