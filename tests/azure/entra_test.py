"""The stand-in's Entra and IMDS give tokens to those who prove who they are, and say why not in Entra's words."""

import re
import socket
import ssl
import time
import urllib.parse

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from support.authority import rsa_key

from azure_world.assertions import service_account_token
from azure_world.caller import Caller
from azure_world.entra import ASSERTION_TYPE
from azure_world.token_proxy import AUDIENCE as PROXY_AUDIENCE
from azure_world.token_proxy import FOLDER, SERVER_NAME, TokenProxy
from azure_world.tokens import encoded

VAULT_SCOPE = "https://vault.azure.net/.default"


@pytest.fixture
def ask(azure):
    caller = Caller(azure.entra, azure.ca)

    def exchange(assertion=None, scope=VAULT_SCOPE, **changes):
        form = {"grant_type": "client_credentials", "client_id": azure.client, "scope": scope,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion or service_account_token(azure.issuer, azure.subject)}
        return caller.form(f"/{changes.pop('tenant', azure.tenant)}/oauth2/v2.0/token", **{**form, **changes})
    return exchange


def codes(said):
    found = said.json
    assert re.match(r"AADSTS(\d+): .*\r\nTrace ID: .*\r\nCorrelation ID: .*\r\nTimestamp: ", found["error_description"])
    return said.status, found["error"], found["error_codes"]


@pytest.mark.parametrize("issuer, subject, audience, separate", [
    ("https://oidc.example.test/cluster", "system:serviceaccount:sekisho:sekisho", "api://AzureADTokenExchange", 700211),
    ("https://oidc.example.test/cluster/", "system:serviceaccount:sekisho:Sekisho", "api://AzureADTokenExchange", 700213),
    ("https://oidc.example.test/cluster/", "system:serviceaccount:sekisho:sekisho", "api://azureadtokenexchange", 700212),
])
def test_a_federated_credential_matches_byte_for_byte(azure, ask, issuer, subject, audience, separate):
    wrong = service_account_token(issuer, subject, audience)
    assert codes(ask(wrong)) == (400, "invalid_request", [70021])
    azure.entra.separate_codes = True
    assert codes(ask(wrong)) == (401, "invalid_client", [separate])


def test_an_assertion_that_is_over_is_refused(azure, ask):
    assert codes(ask(service_account_token(azure.issuer, azure.subject, lifetime=-1))) == (401, "invalid_client", [700024])
    assert codes(ask(service_account_token(azure.issuer, azure.subject, not_before=60))) == (401, "invalid_client", [700024])


@pytest.mark.parametrize("changes, number", [
    ({"tenant": "99999999-2222-3333-4444-555555555555"}, 90002),
    ({"client_id": "somebody-else"}, 700016),
    ({"scope": "https://vault.azure.net"}, 70011),
    ({"scope": "https://vault.azure.net/.default https://management.azure.com/.default"}, 28000),
    ({"scope": "https://unknown.example.test/.default"}, 500011),
    ({"client_assertion": "no token"}, 50027),
])
def test_a_request_that_names_what_is_not_there_is_refused_with_its_number(ask, changes, number):
    assert codes(ask(**changes))[2] == [number]


def test_a_credential_that_is_not_known_everywhere_yet_is_refused_for_a_while(azure, ask):
    azure.application.propagated_after = 2
    assert [ask().status for _ in range(3)] == [400, 400, 200]


def test_a_token_is_a_number_of_seconds_good_and_more_fields_do_no_harm(azure, ask):
    azure.tokens.lifetime = 77
    said = ask(scope=f"{VAULT_SCOPE} openid profile offline_access", client_info="1")
    assert (said.status, said.json["token_type"], said.json["expires_in"]) == (200, "Bearer", 77)
    assert azure.tokens.faults_of(said.json["access_token"], ["https://vault.azure.net"]) is None
    assert azure.tokens.faults_of(said.json["access_token"], ["https://management.azure.com"]) == "audience"
    azure.tokens.expire_all()
    assert azure.tokens.faults_of(said.json["access_token"], ["https://vault.azure.net"]) == "expired"


def test_a_double_slash_asks_for_a_resource_with_one(azure, ask):
    token = ask(scope="https://management.azure.com//.default").json["access_token"]
    assert azure.tokens.find(token).audience == "https://management.azure.com/"


def signed_by_certificate(azure, key, certificate, **changes):
    now = int(time.time())
    endpoint = f"{azure.entra.url}/{azure.tenant}/oauth2/v2.0/token"
    head = {"alg": "RS256", "typ": "JWT", "x5t": encoded(certificate.fingerprint(hashes.SHA1()))}
    claims = {"iss": azure.client, "sub": azure.client, "aud": endpoint, "nbf": now, "exp": now + 600, "jti": "1", **changes}
    content = f"{encoded(head)}.{encoded(claims)}"
    return f"{content}.{encoded(key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def test_a_certificate_proves_only_with_its_own_key(azure, ask, authority):
    pair = authority.issue("client.example.test", key=rsa_key())
    assert codes(ask(signed_by_certificate(azure, pair.private, pair.leaf)))[2] == [700027]
    azure.application.certificates.append(pair.leaf)
    assert codes(ask(signed_by_certificate(azure, rsa_key(1), pair.leaf)))[2] == [700027]
    assert codes(ask(signed_by_certificate(azure, pair.private, pair.leaf, aud="https://other.example.test")))[2] == [50027]
    assert ask(signed_by_certificate(azure, pair.private, pair.leaf)).status == 200


def test_a_secret_is_compared(azure, ask):
    caller = Caller(azure.entra, azure.ca)
    azure.application.secrets.append("right")

    def by(secret):
        return caller.form(f"/{azure.tenant}/oauth2/v2.0/token", grant_type="client_credentials", client_id=azure.client,
                           scope=VAULT_SCOPE, client_secret=secret)
    assert codes(by("wrong")) == (401, "invalid_client", [7000215])
    assert by("right").status == 200


def test_faults_are_taken_once_each(azure, ask):
    azure.entra.refuse_next(90061)
    azure.entra.fail_next(503, retry_after=7)
    assert codes(ask()) == (400, "invalid_request", [90061])
    said = ask()
    assert (said.status, said.headers["Retry-After"]) == (503, "7")
    assert ask().status == 200


def test_entra_can_be_down_and_come_back(azure, ask):
    azure.entra.down()
    with pytest.raises(OSError):
        ask()
    azure.entra.up()
    assert ask().status == 200


def test_metadata_names_the_token_endpoint(azure):
    found = Caller(azure.entra, azure.ca)("GET", f"/{azure.tenant}/v2.0/.well-known/openid-configuration").json
    assert found["token_endpoint"] == f"{azure.entra.url}/{azure.tenant}/oauth2/v2.0/token"


# ---- IMDS

TOKEN = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"


def test_imds_answers_only_with_the_metadata_header(azure):
    caller = Caller(azure.imds, azure.ca)
    assert caller("GET", TOKEN).json["error"] == "bad_request_102"
    assert len(azure.journal.forgive()) == 1
    found = caller("GET", TOKEN, headers={"Metadata": "true"}).json
    assert all(isinstance(found[name], str) for name in ("expires_in", "expires_on", "not_before"))
    assert azure.tokens.faults_of(found["access_token"], ["https://vault.azure.net"]) is None


def test_imds_knows_the_identities_of_its_machine_only(azure):
    caller = Caller(azure.imds, azure.ca)
    azure.imds.identities.append("second")
    azure.imds.objects["/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"] = "second"
    by_id = caller("GET", TOKEN + "&client_id=second", headers={"Metadata": "true"}).json
    by_resource = caller("GET", TOKEN + "&msi_res_id=" + list(azure.imds.objects)[0], headers={"Metadata": "true"}).json
    assert by_id["client_id"] == by_resource["client_id"] == "second"
    refused = caller("GET", TOKEN + "&client_id=third", headers={"Metadata": "true"})
    assert (refused.status, refused.json["error_description"]) == (400, "Identity not found")


def test_imds_fails_as_it_is_told(azure):
    caller = Caller(azure.imds, azure.ca)
    for status in (404, 410, 429, 500):
        azure.imds.fail_next(status)
        assert caller("GET", TOKEN, headers={"Metadata": "true"}).status == status
    assert caller("GET", TOKEN, headers={"Metadata": "true"}).status == 200


# ---- the token proxy


def test_the_token_proxy_is_reached_by_its_own_name_and_has_its_own_audience(azure, ask):
    proxy = TokenProxy(azure)
    try:
        assertion = service_account_token(azure.issuer, azure.subject, PROXY_AUDIENCE)
        fields = {"grant_type": "client_credentials", "client_id": azure.client, "scope": VAULT_SCOPE,
                  "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        context = ssl.create_default_context(cafile=str(proxy.ca))
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as raw, \
                context.wrap_socket(raw, server_hostname=SERVER_NAME) as tls:
            body = urllib.parse.urlencode(fields)
            tls.sendall(f"POST {FOLDER}/{azure.tenant}/oauth2/v2.0/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                        f"application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            said = tls.makefile("rb").read()
        assert said.startswith(b"HTTP/1.1 200") and len(azure.journal.asked(service="token_proxy")) == 1
    finally:
        proxy.down()
