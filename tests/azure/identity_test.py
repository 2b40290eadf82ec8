"""The binary gets its tokens as a machine's managed identity and by a certificate too, and through the proxy of identity bindings."""

import threading

import pytest
from azure_world.token_proxy import AUDIENCE, TokenProxy
from support.acme_world import shown
from support.authority import rsa_key
from support.edge import Edge, eventually

HOST = "www.example.test"


@pytest.fixture
def serve(azure, authority, run_edge):
    """serve(**azure section) runs an edge that follows a vault with this identity, and waits until it serves."""
    azure.vault.add_certificate("site", authority.issue(HOST))

    def run(**section):
        values = {key: value for key, value in {**azure.settings, **section}.items() if value is not None}
        edge = run_edge(azure=values, certificates=[{"key_vault": {"vault": azure.key_vault.url, "name": "site", "poll": "1s"}}])
        eventually(lambda: shown(edge, HOST), 20, "the certificate of the vault")
        return edge
    return run


def test_a_managed_identity_waits_for_its_service(azure, serve):
    azure.imds.fail_next(410)
    azure.imds.fail_next(500)
    serve(identity="managed", token_file=None)
    asked = azure.journal.asked(service="imds")
    assert [each.status for each in asked] == [410, 500, 200]
    assert asked[-1].request.query["client_id"] == azure.client
    assert azure.journal.asked(service="entra") == []


def test_a_client_certificate_signs_assertions(azure, authority, serve, tmp_path):
    pair = authority.issue("client.example.test", key=rsa_key())
    azure.application.certificates.append(pair.leaf)
    certificate, key = pair.write(tmp_path, "client")
    serve(identity="client_certificate", token_file=None,
          client_certificate={"certificate": str(certificate), "key": str(key)})
    assert azure.journal.asked("token", status=200)


def test_a_token_file_is_read_anew_at_each_exchange(azure, serve):
    azure.project_token(lifetime=-60)

    def renew():
        eventually(lambda: azure.journal.asked("token", status=401), 20, "the one that is over is refused")
        azure.project_token()
    renewing = threading.Thread(target=renew)
    renewing.start()
    serve()
    renewing.join()
    assert azure.journal.asked("token")[0].status == 401


def test_the_environment_of_the_webhook_is_enough(azure, authority, tmp_path):
    azure.vault.add_certificate("site", authority.issue(HOST))
    proxy = TokenProxy(azure)
    azure.project_token(audience=AUDIENCE)
    section = {"ca_certificates": str(azure.ca)}
    edge = Edge(tmp_path / "edge", {"azure": section, "routes": [{"respond": {"status": 200}}], "certificates": [
        {"key_vault": {"vault": azure.key_vault.url, "name": "site", "poll": "1s"}}]},
        environment={**azure.environment, **proxy.environment})
    try:
        eventually(lambda: shown(edge, HOST), 20, "the certificate of the vault")
        assert azure.journal.asked(service="token_proxy", status=200) and not azure.journal.asked(service="entra")
        edge.stop()
    finally:
        edge.kill()
        proxy.down()
