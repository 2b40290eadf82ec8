"""Fixtures: one stand-in for Azure a test. A request that the published documents do not allow fails the test that made it."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from azure_world.world import AzureWorld  # noqa: E402
from support.authority import Authority  # noqa: E402
from support.edge import Edge  # noqa: E402


@pytest.fixture(scope="session")
def authority():
    return Authority("Azure stand-in CA", intermediate=True)


@pytest.fixture
def azure(tmp_path, authority):
    """An AzureWorld of the test's own."""
    made = AzureWorld(tmp_path / "azure", authority)
    yield made
    made.close()
    assert made.journal.violations == []


@pytest.fixture
def files(tmp_path):
    """files(pair, name) writes a pair where an entry of `certificates` finds it, and returns that entry."""
    def write(pair, name="site"):
        certificate, key = pair.write(tmp_path / "certificates", name)
        return {"files": {"certificate": str(certificate), "key": str(key)}}
    return write


@pytest.fixture
def run_edge(azure, tmp_path):
    """run_edge(**settings) is a running edge that knows this Azure and answers every request itself; it must end well."""
    started = []

    def run(**settings):
        values = {"azure": azure.settings, "routes": [{"respond": {"status": 200, "body": "served"}}], **settings}
        started.append(Edge(tmp_path / f"edge{len(started)}", values, start=False))
        started[-1].start(patience=20)  # it waits for a vault for ten seconds
        return started[-1]

    yield run
    try:
        for edge in started:
            edge.stop()
    finally:
        for edge in started:
            edge.kill()
