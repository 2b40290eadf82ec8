"""What the end-to-end tests and those against a cluster have in common: the option --quick."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="leave out what takes more than ten seconds")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--quick"):
        skip = pytest.mark.skip(reason="slow, and --quick was given")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)
