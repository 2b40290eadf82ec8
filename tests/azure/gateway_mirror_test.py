"""The binary keeps an application gateway in step with what it serves, and leaves alone what is not its own."""

import contextlib
import random
from http.client import HTTPException

import pytest
from azure_world.gateway_listener import GatewayListener
from azure_world.other_writer import OtherWriter
from azure_world.starting_gateway import starting_resource
from support.acme_world import eventually_said, shown
from support.edge import eventually

HOST = "www.example.test"
PUT = "ApplicationGateways_CreateOrUpdate"


@pytest.fixture(autouse=True)
def quick(azure):
    azure.arm.operations.seconds = 0.1


def mirror(gateway, *hosts, **more):
    return {"application_gateway": {"resource_id": gateway.id,
                                    "certificates": [{"certificate": host, "name": f"ours-{host}"} for host in hosts], **more}}


def holds(azure, gateway, name, pair, patience=40):
    """Waits until the gateway serves this pair by this name."""
    def ask():
        with azure.arm.lock:
            azure.arm.operations.settle()
            found = gateway.leaf(name)
        return found is not None and found.serial_number == pair.serial
    eventually(ask, patience, f"{name} on {gateway.name}")


def puts(azure):
    return [each for each in azure.journal.asked(PUT) if each.caller == azure.client]


def test_a_new_certificate_arrives_once_and_what_others_have_stays(azure, authority, files, run_edge):
    theirs, pair = authority.issue("their.example.test"), authority.issue(HOST)
    gateway = azure.arm.add_gateway(certificates={"theirs": theirs})
    gateway.resource["properties"]["ofTomorrow"] = {"deep": [1.50, {"z": None, "a": "ß\\u0001"}]}
    before = gateway.shown("2025-07-01")
    edge = run_edge(certificates=[files(pair)], mirrors=[mirror(gateway, HOST)])
    holds(azure, gateway, f"ours-{HOST}", pair)
    assert gateway.leaf("theirs") == theirs.leaf and len(puts(azure)) == 1
    after = gateway.shown("2025-07-01")
    for body in (before, after):
        body.pop("etag")
        body["properties"].pop("sslCertificates")
    assert after == before
    eventually(lambda: edge.metric("sekisho_mirror_fingerprint_match") == 1, 20)
    assert [each for each in puts(azure)[0].request.json["properties"]["sslCertificates"] if each["name"] == "theirs"]

    renewed = authority.issue(HOST)
    files(renewed)
    holds(azure, gateway, f"ours-{HOST}", renewed)
    assert len(puts(azure)) == 2


def test_what_is_there_already_is_not_put_again(azure, authority, files, run_edge):
    pair = authority.issue(HOST)
    gateway = azure.arm.add_gateway(certificates={f"ours-{HOST}": pair})
    edge = run_edge(certificates=[files(pair)], mirrors=[mirror(gateway, HOST)])
    eventually(lambda: edge.metric("sekisho_mirror_fingerprint_match") == 1, 30)
    assert puts(azure) == []


def test_a_stopped_gateway_is_not_started(azure, authority, files, run_edge):
    gateway = azure.arm.add_gateway()
    gateway.stop()
    edge = run_edge(certificates=[files(authority.issue(HOST))], mirrors=[mirror(gateway, HOST)])
    eventually_said(edge, "stopped", "why", HOST, patience=30)
    assert puts(azure) == [] and not gateway.running


def test_a_role_that_is_missing_is_told(azure, authority, files, run_edge):
    gateway = azure.arm.add_gateway()
    azure.arm.denied.add("ApplicationGateways_Get")
    edge = run_edge(certificates=[files(authority.issue(HOST))], mirrors=[mirror(gateway, HOST)])
    eventually_said(edge, "AuthorizationFailed", "why", HOST, patience=30)


def test_a_listener_that_is_asked_for_refers_to_ours_and_shows_it(azure, authority, files, run_edge, tmp_path):
    theirs, pair = authority.issue(HOST), authority.issue(HOST)
    gateway = azure.arm.add_gateway()
    gateway.install("theirs", theirs)
    gateway.resource["properties"]["httpListeners"] = starting_resource(gateway.id, {HOST: "theirs"})["properties"]["httpListeners"]
    gateway.install("theirs", theirs)
    listener = GatewayListener(azure.arm, gateway, tmp_path)
    try:
        assert shown(None, HOST, port=listener.port).serial_number == theirs.serial
        run_edge(certificates=[files(pair)], mirrors=[mirror(gateway, HOST, listeners=["tls-0"], probe_address=listener.address)])
        eventually(lambda: shown(None, HOST, port=listener.port).serial_number == pair.serial, 40, "the listener shows ours")
    finally:
        listener.close()


def test_a_token_that_ends_during_a_long_operation_is_replaced(azure, authority, files, run_edge):
    pair = authority.issue(HOST)
    gateway = azure.arm.add_gateway()
    azure.arm.operations.gate.clear()
    run_edge(certificates=[files(pair)], mirrors=[mirror(gateway, HOST)])
    eventually(lambda: azure.journal.asked("operation"), 30, "the operation is asked for")
    azure.tokens.expire_all()
    eventually(lambda: azure.journal.asked("operation", status=401), 30, "the token was refused once")
    azure.arm.operations.gate.set()
    holds(azure, gateway, f"ours-{HOST}", pair)
    assert len(puts(azure)) == 1


def test_a_version_of_the_vault_reaches_the_gateway(azure, authority, run_edge):
    """A version in the vault, the edge, the gateway: each hop shows the same certificate."""
    old, new = authority.issue(HOST, kind="rsa"), authority.issue(HOST, kind="rsa")
    azure.vault.add_certificate("site", old, created=1_700_000_000)
    gateway = azure.arm.add_gateway()
    edge = run_edge(certificates=[{"key_vault": {"vault": azure.key_vault.url, "name": "site", "poll": "1s"}}],
                    mirrors=[mirror(gateway, HOST)])
    holds(azure, gateway, f"ours-{HOST}", old)
    azure.vault.add_certificate("site", new, created=1_700_000_001)
    eventually(lambda: shown(edge, HOST).serial_number == new.serial, 5, "served within a poll")
    holds(azure, gateway, f"ours-{HOST}", new)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_writers_and_faults_lose_nothing_in_a_hundred_interleavings(azure, authority, files, run_edge):
    """Fifty gateways, two changes each by us and by another writer, at random, while requests fail in every way."""
    chance = random.Random(20261122)
    hosts = [f"host-{number}.example.test" for number in range(50)]
    gateways = [azure.arm.add_gateway(f"gateway-{number}") for number in range(len(hosts))]
    others = [OtherWriter(azure, gateway, authority, seed=number, rests=5.0) for number, gateway in enumerate(gateways)]
    pairs = [authority.issue(host) for host in hosts]
    run_edge(certificates=[files(pair, host) for pair, host in zip(pairs, hosts)],
             mirrors=[mirror(gateway, host) for gateway, host in zip(gateways, hosts)])

    def ours_are_there(patience):
        for host, gateway, pair in zip(hosts, gateways, pairs):
            holds(azure, gateway, f"ours-{host}", pair, patience)

    with contextlib.ExitStack() as stack:
        for other in others:
            other.add("first")
            stack.enter_context(other)
        ours_are_there(90)
        for number, gateway in enumerate(gateways):
            gateway.when_busy = chance.choice(["supersede", "refuse"])
            others[number].add("second")
            fault(azure, gateway, chance.randrange(5))
            pairs[number] = authority.issue(hosts[number])
            files(pairs[number], hosts[number])
        ours_are_there(90)
        eventually(lambda: all(other.content for other in others), 30, "the others have all that they want")
        ours_are_there(5)
        # The faults that met the other writer's requests, and no error else.
        assert [error for other in others for error in other.errors if not isinstance(error, OSError | HTTPException)] == []


def fault(azure, gateway, kind):
    """Something that goes wrong with the next request about this gateway, whoever makes it."""
    here = {"when": lambda request: request.target.startswith(gateway.id + "?")}
    if kind == 0:
        azure.arm.fail_next(429, "RetryableError", retry_after=1, operation=PUT, **here)
    elif kind == 1:
        azure.arm.fail_next(503, operation="ApplicationGateways_*", **here)
    elif kind == 2:
        azure.arm.drop_next(done=True, operation=PUT, **here)
    elif kind == 3:
        azure.arm.drop_next(operation="ApplicationGateways_Get", **here)
