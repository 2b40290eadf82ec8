"""Two writers of one gateway: what the stand-in does to them, shown with two of its own."""

import pytest
from azure_world.gateway_listener import GatewayListener
from azure_world.other_writer import OtherWriter
from azure_world.starting_gateway import starting_resource
from support.acme_world import shown
from support.edge import eventually


@pytest.fixture
def gateway(azure):
    azure.arm.operations.seconds = 0.02
    return azure.arm.add_gateway()


def test_two_writers_who_look_again_both_get_what_they_want(azure, authority, gateway):
    with OtherWriter(azure, gateway, authority, prefix="one-", seed=1) as one, \
            OtherWriter(azure, gateway, authority, prefix="two-", seed=2) as two:
        for number in range(5):
            one.add(str(number))
            two.add(str(number))
        eventually(lambda: one.content and two.content, 30, "both are content")
        assert (one.errors, two.errors) == ([], [])
    assert len(gateway.names) == 10


def test_a_writer_that_owns_the_whole_gateway_throws_out_what_is_not_its_own(azure, authority, gateway):
    with OtherWriter(azure, gateway, authority, prefix="one-") as one:
        one.add("a")
        eventually(lambda: one.content)
        with OtherWriter(azure, gateway, authority, polite=False) as owner:
            owner.add("b")
            eventually(lambda: one.repairs > 0, what="what was thrown out is put back")


def test_the_listeners_show_what_an_operation_has_brought(azure, authority, tmp_path):
    pair = authority.issue("www.example.test")
    resource = starting_resource("", {"www.example.test": "site"})
    gateway = azure.arm.add_gateway(resource=resource, certificates={"site": pair})
    listener = GatewayListener(azure.arm, gateway, tmp_path)
    try:
        class Edge:
            port = listener.port
        assert shown(Edge, "www.example.test").serial_number == pair.serial
        assert shown(Edge, "other.example.test") is None
        renewed = authority.issue("www.example.test")
        gateway.install("site", renewed)
        assert shown(Edge, "www.example.test").serial_number == renewed.serial
    finally:
        listener.close()
