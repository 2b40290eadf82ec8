"""Azure's clouds: with `azure.cloud` alone the binary finds the names of that cloud, asks for its tokens, and for no others. It
gets there by a proxy that knows only them."""

import pytest
from azure_world import clouds
from azure_world.clouds import CHINA, PUBLIC, US_GOVERNMENT, WayThere
from support.acme_world import eventually_said, shown
from support.edge import Edge, eventually

HOST = "www.example.test"


@pytest.fixture
def run_in(azure, tmp_path):
    """run_in(cloud, also=…, **settings) → (edge, way there)."""
    ended = []

    def run(cloud, also=None, **settings):
        azure.become(cloud)
        azure.arm.operations.seconds = 0.1
        way = WayThere(azure, cloud, also)
        ended.append(way.close)
        section = {key: azure.settings[key] for key in ("ca_certificates", "tenant_id", "client_id", "identity", "token_file")}
        values = {"azure": {"cloud": cloud.name, **section}, "routes": [{"respond": {"status": 200, "body": "served"}}], **settings}
        edge = Edge(tmp_path / "edge", values, environment={"https_proxy": way.url, "no_proxy": ""})
        ended.append(edge.kill)
        return edge, way

    yield run
    for end in reversed(ended):
        end()


def asked_by_name(azure, service):
    """The names by which a service was asked, in the handshake and in the request."""
    found = azure.journal.asked(service=service)
    assert {each.request.server_name for each in found} == {each.request.headers["host"] for each in found}
    return {each.request.server_name for each in found}


@pytest.mark.parametrize("cloud", clouds.ALL, ids=lambda cloud: cloud.name)
def test_each_cloud_has_its_own_names_and_tokens(azure, authority, run_in, cloud):
    pair = authority.issue(HOST, kind="rsa")
    azure.vault.add_certificate("site", pair)
    gateway = azure.arm.add_gateway()
    edge, way = run_in(
        cloud, certificates=[{"key_vault": {"vault": "my-vault", "name": "site", "poll": "1s"}}],
        mirrors=[{"application_gateway": {"resource_id": gateway.id, "certificates": [HOST]}},
                 {"key_vault": {"vault": "my-vault", "name_prefix": "copy-", "certificates": [HOST]}}])
    eventually(lambda: shown(edge, HOST).serial_number == pair.serial, 20, "served")
    eventually(lambda: edge.metric("sekisho_mirror_fingerprint_match") == 2, 60, "mirrored")
    assert gateway.leaf(f"sekisho-{HOST}").serial_number == pair.serial
    assert azure.vault.certificates["copy-www-example-test"].versions

    assert asked_by_name(azure, "entra") == {cloud.login}
    assert asked_by_name(azure, "key_vault") == {f"my-vault.{cloud.vaults}"}
    assert asked_by_name(azure, "arm") == {cloud.management}
    assert way.asked == {cloud.login, cloud.management, f"my-vault.{cloud.vaults}"}
    scopes = {each.request.form["scope"] for each in azure.journal.asked("token")}
    assert scopes == {f"https://{cloud.vaults}/.default", f"https://{cloud.management}/.default"}
    edge.stop()


@pytest.mark.parametrize(("cloud", "other"), [(US_GOVERNMENT, PUBLIC), (CHINA, US_GOVERNMENT), (PUBLIC, CHINA)],
                         ids=lambda cloud: cloud.name)
def test_a_vault_of_another_cloud_gets_no_token(azure, authority, run_in, cloud, other):
    azure.vault.add_certificate("site", authority.issue(HOST))
    name = f"my-vault.{other.vaults}"
    vault = {"vault": f"https://{name}", "name": "site", "poll": "1s"}
    edge, _ = run_in(cloud, {name: azure.key_vault}, certificates=[{"key_vault": vault}])
    azure.key_vault.resource = other.vault_resource  # as a vault there does
    eventually_said(edge, "no token is sent (azure.cloud or azure.key_vault_suffix?)", "certs")
    told = azure.journal.asked(service="key_vault")
    assert {each.status for each in told} == {401} and not any(each.request.bearer for each in told)
    assert {each.request.server_name for each in told} == {name}
    edge.stop()
