"""Certificate files that change: every way in which people and tools replace them."""

import os
import shutil

import pytest

from support.authority import Authority, rsa_key
from support.client import curl, http1, tls_context, tls_socket
from support.edge import eventually

NAME = "www.example.com"


def serial(edge, name=NAME):
    """The serial number of the certificate that a handshake for this name shows."""
    from cryptography import x509
    with tls_socket(edge.port, name=name) as sock:
        return x509.load_der_x509_certificate(sock.getpeercert(binary_form=True)).serial_number


def shows(edge, pair, name=NAME):
    eventually(lambda: serial(edge, name) == pair.serial, what=f"{name} shows the new certificate")


@pytest.fixture
def changing(run_edge, settings, backend, authority, tmp_path):
    """An edge over one pair of files: (edge, folder)."""
    folder = tmp_path / "certificates"
    crt, key = authority.issue(NAME).write(folder)
    return run_edge(settings(backend, certificates=[{"files": {"certificate": str(crt), "key": str(key)}}])), folder


def test_a_rename_over_is_served(changing, authority):
    edge, folder = changing
    for _ in range(3):
        fresh = authority.issue(NAME)
        fresh.write(folder)
        shows(edge, fresh)


def test_a_plain_rewrite_is_served(changing, authority):
    edge, folder = changing
    fresh = authority.issue(NAME)
    (folder / "tls.crt").write_bytes(fresh.chain)
    (folder / "tls.key").write_bytes(fresh.key)
    shows(edge, fresh)


def test_a_new_certificate_for_the_same_key_is_served(changing, authority):
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    edge, folder = changing
    fresh = authority.issue(NAME, key=load_pem_private_key((folder / "tls.key").read_bytes(), None))
    (folder / "tls.crt").write_bytes(fresh.chain)
    shows(edge, fresh)


@pytest.mark.parametrize("first,second", [("crt", "key"), ("key", "crt")])
def test_the_last_good_one_stays_until_the_second_file_is_there(changing, authority, first, second):
    edge, folder = changing
    old, fresh = serial(edge), authority.issue(NAME)
    content = {"crt": fresh.chain, "key": fresh.key}
    (folder / f"tls.{first}").write_bytes(content[first])
    eventually(lambda: "match" in edge.command("certs", "--output", "json").stdout.lower(), what="certs says what is wrong")
    assert serial(edge) == old
    (folder / f"tls.{second}").write_bytes(content[second])
    shows(edge, fresh)


@pytest.mark.parametrize("rubbish", [b"", b"no PEM at all\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_rubbish_changes_nothing_but_is_told(changing, rubbish):
    edge, folder = changing
    old = serial(edge)
    (folder / "tls.crt").write_bytes(rubbish)
    eventually(lambda: "tls.crt" in edge.stderr, what="a warning in the log")
    assert serial(edge) == old
    (folder / "tls.crt").unlink()
    assert serial(edge) == old
    assert edge.admin("/readyz")[0] == 200


@pytest.mark.parametrize("layout", ["directory", "files"])
def test_the_data_symlink_swap_of_kubernetes_is_served(run_edge, settings, backend, authority, tmp_path, layout):
    mount = tmp_path / "mount"
    mount.mkdir()

    def publish(number, pair):
        version = mount / f"..2026_{number}"
        pair.write(version)
        os.symlink(version.name, mount / "..data_tmp")
        os.rename(mount / "..data_tmp", mount / "..data")
        if number:
            shutil.rmtree(mount / f"..2026_{number - 1}")

    publish(0, authority.issue(NAME))
    for name in ("tls.crt", "tls.key"):
        os.symlink(f"..data/{name}", mount / name)
    source = {"directory": str(mount)} if layout == "directory" else {
        "files": {"certificate": str(mount / "tls.crt"), "key": str(mount / "tls.key")}}
    edge = run_edge(settings(backend, certificates=[source]))
    for number in (1, 2, 3):
        fresh = authority.issue(NAME)
        publish(number, fresh)
        shows(edge, fresh)


def test_every_layout_in_a_directory_is_found(run_edge, settings, backend, authority, tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    names = {f"{n}.example.com": authority.issue(f"{n}.example.com") for n in ("pair", "pem", "both", "reverse", "pfx")}
    pair, pem, both, reverse, pfx = names.values()
    (folder / "tls.crt").write_bytes(pair.chain)
    (folder / "tls.key").write_bytes(pair.key)
    (folder / "site.pem").write_bytes(pem.chain)
    (folder / "site.key").write_bytes(pem.key)
    (folder / "my-alias").write_bytes(both.key + both.chain)
    (folder / "reverse.pem").write_bytes(reverse.chain + reverse.key)
    (folder / "vault.pfx").write_bytes(pfx.pfx())
    (folder / "README.txt").write_text("not a certificate\n")
    edge = run_edge(settings(backend, certificates=[{"directory": str(folder)}]))
    for name, expected in names.items():
        assert serial(edge, name) == expected.serial, name
    late = authority.issue("late.example.com")
    late.write(folder, "late")
    shows(edge, late, "late.example.com")


def test_a_pfx_with_a_password_file_is_read(run_edge, settings, backend, authority, tmp_path):
    pair = authority.issue(NAME)
    (tmp_path / "a.pfx").write_bytes(pair.pfx(b"secret"))
    (tmp_path / "password").write_text("secret\n")
    edge = run_edge(settings(backend, certificates=[
        {"files": {"pfx": str(tmp_path / "a.pfx"), "password_file": str(tmp_path / "password")}}]))
    assert serial(edge) == pair.serial
    assert "secret" not in edge.stderr


def test_a_chain_in_any_order_is_sent_leaf_first_and_whole(run_edge, settings, backend, tmp_path):
    authority = Authority("chain CA", intermediate=True)
    pair = authority.issue(NAME)
    parts = pair.chain.split(b"-----END CERTIFICATE-----\n")
    leaf, middle = [p + b"-----END CERTIFICATE-----\n" for p in parts[:2]]
    (tmp_path / "mixed.pem").write_bytes(authority.pem + middle + pair.key + leaf)
    edge = run_edge(settings(backend, certificates=[{"files": {"certificate": str(tmp_path / "mixed.pem")}}]))
    context = tls_context(ca=authority.write(tmp_path))
    with tls_socket(edge.port, context=context) as sock:
        assert sock.version() == "TLSv1.3"


def test_an_expired_one_gives_way_and_is_still_better_than_none(run_edge, settings, backend, authority, tmp_path):
    folder = tmp_path / "store"
    old = authority.issue(NAME, start=-20, days=10)
    old.write(folder, "old")
    edge = run_edge(settings(backend, certificates=[{"directory": str(folder)}]))
    assert serial(edge) == old.serial
    good = authority.issue(NAME)
    good.write(folder, "good")
    shows(edge, good)
    authority.issue(NAME, start=5, days=10).write(folder, "future")
    eventually(lambda: "future" in edge.command("certs", "--output", "json").stdout)
    assert serial(edge) == good.serial
    assert edge.metric("x509_cert_expired") >= 1


def test_a_bad_certificate_harms_its_own_name_only(run_edge, settings, backend, authority, tmp_path):
    good = authority.issue("good.example.com").write(tmp_path, "good")
    bad, _ = authority.issue("bad.example.com").write(tmp_path, "bad")
    edge = run_edge(settings(backend, certificates=[
        {"files": {"certificate": str(bad), "key": str(good[1])}}, {"files": {"certificate": str(good[0]), "key": str(good[1])}}]))
    assert serial(edge, "good.example.com")
    assert "bad.crt" in edge.command("certs", "--output", "json", check=0).stdout
    assert "1 served, 1 refused" in edge.command("status", check=0).stdout
    why = edge.command("why", "bad.example.com").stdout
    assert "not shown" in why and "bad.crt" in why
    assert "bad.crt" not in edge.command("why", "good.example.com", check=0).stdout


def test_a_removed_file_lets_go_of_what_others_cover(run_edge, settings, backend, authority, tmp_path):
    folder = tmp_path / "store"
    older, newer = authority.issue(NAME, start=-5), authority.issue(NAME, start=-1)
    older.write(folder, "older")
    newer.write(folder, "newer")
    edge = run_edge(settings(backend, certificates=[{"directory": str(folder)}]))
    assert serial(edge) == newer.serial
    (folder / "newer.crt").unlink()
    (folder / "newer.key").unlink()
    shows(edge, older)


@pytest.mark.parametrize("layout", ["one PEM with both", "PFX"])
def test_a_file_that_is_removed_and_written_anew_never_leaves_its_name_alone(run_edge, settings, backend, authority, tmp_path, layout):
    folder = tmp_path / "store"
    folder.mkdir()
    old, fresh = authority.issue(NAME), authority.issue(NAME)
    name, content = ("app.pem", lambda pair: pair.chain + pair.key) if layout != "PFX" else ("app.pfx", lambda pair: pair.pfx())
    (folder / name).write_bytes(content(old))
    edge = run_edge(settings(backend, certificates=[{"directory": str(folder)}], tls={"unknown_name": "reject"}))
    assert serial(edge) == old.serial
    (folder / name).unlink()
    eventually(lambda: "no longer there" in edge.command("certs", "--output", "json").stdout, what="the removal is seen")
    assert serial(edge) == old.serial
    (folder / name).write_bytes(content(fresh))
    shows(edge, fresh)
    assert "no longer there" not in edge.command("certs", "--output", "json").stdout


def test_open_connections_live_on_through_a_replacement(changing, authority):
    edge, folder = changing
    client = http1(edge)
    assert client.get("/echo")[0] == 200
    fresh = authority.issue(NAME)
    fresh.write(folder)
    shows(edge, fresh)
    assert client.get("/echo")[0] == 200


def test_rsa_can_follow_ecdsa_in_the_same_files(changing, authority):
    edge, folder = changing
    fresh = authority.issue(NAME, kind="rsa", key=rsa_key(1))
    fresh.write(folder)
    shows(edge, fresh)


def test_certificates_are_in_the_metrics_with_the_exporters_labels(changing, authority):
    edge, folder = changing
    series = edge.metrics()
    for name in ("x509_cert_not_after", "x509_cert_not_before", "x509_cert_expired"):
        labels = series[name][0][0]
        assert labels["filepath"] == str(folder / "tls.crt") and labels["filename"] == "tls.crt"
        assert labels["subject_CN"] == NAME and labels["issuer_CN"] == "sekisho test CA"
        assert labels["serial_number"] == str(serial(edge))
    assert curl(edge, "/status/200") == "status\n"


def test_no_private_key_is_shown_anywhere(changing):
    edge, folder = changing
    secret = (folder / "tls.key").read_text().splitlines()[1]
    shown = edge.stderr + edge.stdout + "".join(edge.admin(path)[1] for path in (
        "/", "/metrics", "/readyz", "/api/certificates", "/api/config", "/api/routes", "/api/backends"))
    assert secret not in shown and "PRIVATE KEY" not in shown
