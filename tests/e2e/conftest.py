"""Fixtures: an authority for the session, a backend and an edge for a module, fresh ones for a test that breaks things."""

import collections
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support import edge as edge_module  # noqa: E402
from support.acme_world import AcmeWorld  # noqa: E402
from support.authority import Authority  # noqa: E402
from support.backend import Backend  # noqa: E402
from support.pebble import pebble_has  # noqa: E402


def pytest_collection_modifyitems(items):
    for item in items:
        for needs in item.iter_markers("needs_pebble"):
            lacking = [feature for feature in needs.args if not pebble_has(feature)]
            if lacking:
                item.add_marker(pytest.mark.skip(reason=f"this pebble has no {', '.join(lacking)}: scripts/prepare_tests "
                                                        "builds a newer one where Go is there"))


def pytest_terminal_summary(terminalreporter):
    """What was not tested is said where nobody overlooks it."""
    left_out = collections.Counter(report.longrepr[2].removeprefix("Skipped: ")
                                   for report in terminalreporter.stats.get("skipped", []))
    if left_out:
        terminalreporter.write_sep("!", f"{left_out.total()} tests were LEFT OUT", red=True, bold=True)
        for reason, count in left_out.most_common():
            terminalreporter.write_line(f"{count}: {reason}", red=True)


@pytest.fixture(scope="session")
def authority():
    return Authority()


@pytest.fixture(scope="session")
def ca(authority, tmp_path_factory):
    """The path of the authority's certificate."""
    return authority.write(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def pair(authority):
    """A certificate for the hosts that most tests use."""
    return authority.issue("www.example.com", "*.apps.example.com", "other.example.com", "127.0.0.1")


@pytest.fixture(scope="session")
def pair_files(pair, tmp_path_factory):
    return pair.write(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def backend():
    server = Backend("one")
    yield server
    server.gate.set()
    server.close()


@pytest.fixture
def make_backend():
    made = []

    def make(*words, **options):
        made.append(Backend(*words, **options))
        return made[-1]

    yield make
    for server in made:
        server.gate.set()
        server.close()


@pytest.fixture(scope="session")
def settings(pair_files):
    """settings(backend, key=value...): one certificate, every request to this backend, and what else is said."""

    def make(server=None, **more):
        result = {
            "certificates": [{"files": {"certificate": str(pair_files[0]), "key": str(pair_files[1])}, "default": True}],
        }
        if server is not None:
            result["routes"] = [{"backend": "app"}]
            result["backends"] = {"app": {"endpoints": [server.address]}}
        result.update(more)
        return result

    return make


def end_well(edges):
    """Each must drain and end with 0; none outlives the test."""
    try:
        for edge in edges:
            edge.stop()
    finally:
        for edge in edges:
            edge.kill()


@pytest.fixture
def run_edge(tmp_path):
    """run_edge(settings) starts an edge of the test's own; it is ended, and must end well, after the test."""
    started = []

    def run(values, **options):
        started.append(edge_module.Edge(tmp_path / f"edge{len(started)}", values, **options))
        return started[-1]

    yield run
    end_well(started)


@pytest.fixture
def make_world(tmp_path, authority):
    """make_world(zones=…, faulting=…, …) starts a CA with all that belongs to it, for this test only."""
    made = []

    def make(**options):
        made.append(AcmeWorld(tmp_path / f"world{len(made)}", authority, **options))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def run_in(make_world):
    """run_in(world, settings) starts an edge where the world's CA looks; it must end well after the test."""
    started = []

    def run(world, values, **options):
        started.append(world.edge(values, **options))
        return started[-1]

    yield run
    end_well(started)


@pytest.fixture(scope="module")
def edge(settings, backend, tmp_path_factory):
    """One edge for all tests of a module that only send requests."""
    with edge_module.running(tmp_path_factory.mktemp("edge"), settings(backend)) as started:
        yield started
