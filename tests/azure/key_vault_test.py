"""The stand-in's Key Vault does what the published documents and the service's own ways say, and notices who does not."""

import base64

import pytest
from azure_world.caller import Caller
from azure_world.vault_objects import PEM
from cryptography.hazmat.primitives.serialization import pkcs12

VAULT = "https://vault.azure.net"
V = "api-version=7.2"


@pytest.fixture
def call(azure):
    return Caller(azure.key_vault, azure.ca, azure.token_for(VAULT))


@pytest.fixture
def pair(authority):
    return authority.issue("www.example.test")


def inner(said):
    return said.status, said.json["error"]["code"], said.json["error"].get("innererror", {}).get("code")


def all_pages(call, target):
    items, pages = [], 0
    while target:
        said = call("GET", target)
        assert said.status == 200, said.content
        items += said.json["value"]
        target = said.json["nextLink"]
        pages += 1
    return items, pages


# ---- who may


def test_without_a_token_the_challenge_names_tenant_and_resource(azure):
    said = Caller(azure.key_vault, azure.ca)("GET", f"/secrets/x/?{V}")
    assert said.status == 401
    assert said.headers["WWW-Authenticate"] == (
        f'Bearer authorization="{azure.entra.url}/{azure.tenant}", resource="https://vault.azure.net"')


def test_a_token_for_somebody_else_is_refused_and_noticed(azure):
    assert Caller(azure.key_vault, azure.ca, azure.token_for("https://management.azure.com"))("GET", f"/secrets?{V}").status == 401
    assert "shows a token for https://management.azure.com" in azure.journal.forgive()[0]


def test_a_body_without_a_token_is_noticed(azure):
    assert Caller(azure.key_vault, azure.ca)("PUT", f"/secrets/x?{V}", {"value": "secret"}).status == 401
    assert "although it shows no token" in azure.journal.forgive()[0]


def test_an_expired_token_is_challenged_anew(azure, call):
    azure.tokens.expire_all()
    assert "WWW-Authenticate" in call("GET", f"/secrets?{V}").headers


@pytest.mark.parametrize("why", ["ForbiddenByRbac", "ForbiddenByFirewall", "AccessDenied"])
def test_each_refusal_says_why(azure, call, pair, why):
    azure.vault.add_certificate("site", pair)
    azure.vault.deny("secrets/get", why)
    assert inner(call("GET", f"/secrets/site/?{V}")) == (403, "Forbidden", why)
    assert call("GET", f"/certificates/site/?{V}").status == 200


# ---- what is there


def test_a_certificate_is_also_a_secret_with_its_key(azure, call, pair):
    version = azure.vault.add_certificate("site", pair, tags={"team": "edge"})
    bundle = call("GET", f"/certificates/site/?{V}").json
    assert bundle["sid"].endswith(f"/secrets/site/{version}") and bundle["tags"] == {"team": "edge"}
    secret = call("GET", f"/secrets/site/{version}?{V}").json
    key, leaf, others = pkcs12.load_key_and_certificates(base64.b64decode(secret["value"]), None)
    assert (leaf, len(others), secret["managed"]) == (pair.leaf, 1, True)
    assert key.public_key() == pair.leaf.public_key()


def test_a_key_that_is_not_exportable_stays_in_the_vault(azure, call, pair):
    azure.vault.add_certificate("pfx", pair, exportable=False)
    azure.vault.add_certificate("pem", pair, PEM, exportable=False)
    content = base64.b64decode(call("GET", f"/secrets/pfx/?{V}").json["value"])
    assert pkcs12.load_key_and_certificates(content, None)[0] is None
    assert "PRIVATE KEY" not in call("GET", f"/secrets/pem/?{V}").json["value"]


def test_versions_come_in_no_order_on_pages_that_may_be_empty(azure, call, pair):
    ids = [azure.vault.add_certificate("site", pair) for _ in range(7)]
    azure.vault.page_size, azure.vault.empty_pages = 3, True
    items, pages = all_pages(call, f"/certificates/site/versions?{V}&maxresults=25")
    found = [item["id"].rsplit("/", 1)[1] for item in items]
    assert sorted(found) == sorted(ids) and found != ids and pages == 6


@pytest.mark.parametrize("target, code", [("/certificates/none/", "CertificateNotFound"), ("/secrets/none/", "SecretNotFound"),
                                          ("/secrets/none/0123", "SecretNotFound")])
def test_what_is_not_there_is_not_found(call, target, code):
    assert inner(call("GET", f"{target}?{V}")) == (404, code, None)


def test_disabled_and_deleted_are_told_apart(azure, call, pair):
    azure.vault.add_certificate("site", pair)
    azure.vault.disable("site")
    assert inner(call("GET", f"/secrets/site/?{V}")) == (403, "Forbidden", "SecretDisabled")
    assert call("GET", f"/certificates/site/?{V}").json["attributes"]["enabled"] is False
    azure.vault.enable("site")
    azure.vault.soft_delete("site")
    assert inner(call("GET", f"/secrets/site/?{V}")) == (404, "SecretNotFound", None)
    assert inner(call("GET", f"/certificates/site/?{V}")) == (404, "CertificateNotFound", None)


# ---- what is imported


def imported(pair, **more):
    return {"value": base64.b64encode(pair.pfx(b"word")).decode(), "pwd": "word",
            "policy": {"key_props": {"exportable": True, "kty": "EC", "reuse_key": False},
                       "secret_props": {"contentType": "application/x-pkcs12"}}, **more}


def test_an_import_is_a_new_version_with_the_same_certificate(azure, call, pair, authority):
    first = call("POST", f"/certificates/site/import?{V}", imported(pair)).json["id"]
    second = call("POST", f"/certificates/site/import?{V}", imported(authority.issue("b.example.test"), tags={"by": "us"})).json
    assert first != second["id"] and second["tags"] == {"by": "us"}
    assert call("GET", f"/certificates/site/?{V}").json["id"] == second["id"]


def test_an_import_with_the_wrong_password_or_of_a_deleted_name_is_refused(azure, call, pair):
    assert call("POST", f"/certificates/site/import?{V}", imported(pair) | {"pwd": "other"}).status == 400
    azure.vault.add_certificate("site", pair)
    azure.vault.soft_delete("site")
    assert inner(call("POST", f"/certificates/site/import?{V}", imported(pair))) == (
        409, "Conflict", "ObjectIsDeletedButRecoverable")


# ---- what the documents do not allow


@pytest.mark.parametrize("method, target, body, text", [
    ("GET", "/secrets/x/", None, "api-version"),
    ("GET", "/secrets/x/?api-version=7.0", None, "api-version"),
    ("GET", f"/certificates/x/versions?{V}&maxresults=26", None, "maxresults"),
    ("GET", f"/certificates/x/versions?{V}&top=3", None, "top"),
    ("GET", f"/nowhere?{V}", None, "no published document"),
    ("POST", f"/certificates/not_a_name/import?{V}", {"value": "x"}, "certificate-name"),
    ("POST", f"/certificates/x/import?{V}", {"password": "x", "value": "x"}, "'password' was unexpected"),
    ("POST", f"/certificates/x/import?{V}", {"pwd": "x"}, "'value' is a required property"),
    ("POST", f"/certificates/x/import?{V}", {"value": "x", "attributes": {"enabled": True, "created": 1}}, "created"),
    ("POST", f"/certificates/x/import?{V}", {"value": "x", "attributes": {"enabled": "yes"}}, "boolean"),
    ("PUT", f"/secrets/x?{V}", {"value": None}, "None is not of type 'string'"),
])
def test_a_request_that_the_documents_do_not_allow_is_noticed(azure, call, method, target, body, text):
    call(method, target, body)
    found = azure.journal.forgive()
    assert any(text in each for each in found), found


def test_an_answer_that_the_documents_do_not_allow_is_noticed(azure, call):
    azure.key_vault.garble_next(b'{"value": [{"id": 3}]}', kind="application/json")
    call("GET", f"/secrets?{V}")
    assert azure.journal.violations == []  # said by somebody before the service

    azure.vault.add_secret("x", "text")
    azure.vault.secrets["x"].newest.content_type = 3
    call("GET", f"/secrets?{V}")
    assert "was answered with 200" in azure.journal.forgive()[0]


# ---- faults


def test_throttling_comes_with_and_without_a_time(azure, call):
    azure.key_vault.fail_next(429, retry_after=3)
    azure.key_vault.fail_next(429, headers={"x-ms-retry-after-ms": "1500"}, operation="GetSecret*")
    said = call("GET", f"/secrets?{V}")
    assert (said.status, said.headers["Retry-After"]) == (429, "3")
    assert call("GET", f"/certificates?{V}").status == 200
    said = call("GET", f"/secrets?{V}")
    assert (said.status, said.headers.get("Retry-After"), said.headers["x-ms-retry-after-ms"]) == (429, None, "1500")
    assert [each.fault for each in azure.journal.asked("GetSecrets")] == ["fail 429", "fail 429"]


def test_an_answer_may_be_lost_although_the_request_took_effect(azure, call, pair):
    azure.key_vault.drop_next(done=True, operation="ImportCertificate")
    with pytest.raises(OSError):
        call("POST", f"/certificates/site/import?{V}", imported(pair))
    assert len(azure.vault.certificates["site"].versions) == 1
