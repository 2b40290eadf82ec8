"""The binary imports what it serves into a vault, once for each certificate."""

import pytest
from support.acme_world import eventually_said
from support.edge import eventually

HOST = "www.example.test"
IMPORT = "ImportCertificate"


@pytest.fixture
def mirror(azure):
    return {"key_vault": {"vault": azure.key_vault.url, "certificates": [{"certificate": HOST, "name": "ours"}]}}


def newest(azure):
    kept = azure.vault.certificates.get("ours")
    return kept.newest if kept else None


def holds(azure, pair):
    eventually(lambda: newest(azure) is not None and newest(azure).certificate == pair.leaf, 40, "the vault's newest version")


def test_each_certificate_is_imported_once(azure, authority, files, mirror, run_edge):
    pair, renewed = authority.issue(HOST), authority.issue(HOST)
    edge = run_edge(certificates=[files(pair)], mirrors=[mirror])
    holds(azure, pair)
    found = newest(azure)
    assert found.exportable and found.tags
    edge.stop()
    edge.start()
    eventually(lambda: edge.metric("sekisho_mirror_fingerprint_match") == 1, 30)
    assert len(azure.journal.asked(IMPORT)) == 1
    files(renewed)
    holds(azure, renewed)
    assert len(azure.vault.certificates["ours"].versions) == 2


def test_an_import_whose_answer_was_lost_is_not_made_again(azure, authority, files, mirror, run_edge):
    pair = authority.issue(HOST)
    azure.key_vault.drop_next(done=True, operation=IMPORT)
    edge = run_edge(certificates=[files(pair)], mirrors=[mirror])
    eventually(lambda: edge.metric("sekisho_mirror_fingerprint_match") == 1, 60)
    assert len(azure.vault.certificates["ours"].versions) == 1


def test_a_name_that_is_soft_deleted_is_told(azure, authority, files, mirror, run_edge):
    azure.vault.add_certificate("ours", authority.issue(HOST))
    azure.vault.soft_delete("ours")
    edge = run_edge(certificates=[files(authority.issue(HOST))], mirrors=[mirror])
    eventually_said(edge, "deleted", "why", HOST, patience=30)


def test_a_permission_that_is_missing_is_told(azure, authority, files, mirror, run_edge):
    azure.vault.deny("certificates/import", "ForbiddenByRbac")
    edge = run_edge(certificates=[files(authority.issue(HOST))], mirrors=[mirror])
    eventually_said(edge, "needs the role Key Vault Certificates Officer", "why", HOST, patience=30)
