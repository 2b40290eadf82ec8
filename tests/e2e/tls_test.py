"""TLS towards clients, seen by openssl s_client, curl and Python's ssl."""

import re
import ssl
import subprocess

import pytest

from support.authority import Authority
from support.client import curl, curl_json, curl_status, echo_headers, http1, s_client, tls_context, tls_socket
from support.edge import eventually


@pytest.mark.parametrize("option,version", [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_speaks_tls_1_2_and_1_3_with_the_whole_chain(edge, ca, option, version):
    code, text = s_client(edge, option, "-CAfile", str(ca), "-verify_return_error", "-verify_hostname", "www.example.com")
    assert code == 0, text
    assert version in text and "Verify return code: 0 (ok)" in text


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1"])
def test_refuses_older_versions_with_an_alert(edge, option):
    code, text = s_client(edge, option, "-cipher", "ALL:@SECLEVEL=0")
    assert code != 0 and "alert protocol version" in text


def test_refuses_ciphers_outside_the_profile(edge):
    code, text = s_client(edge, "-tls1_2", "-cipher", "AES128-SHA")
    assert code != 0 and "handshake failure" in text


def test_modern_profile_speaks_1_3_only(run_edge, settings, backend):
    edge = run_edge(settings(backend, tls={"profile": "modern"}))
    assert s_client(edge, "-tls1_3")[0] == 0
    code, text = s_client(edge, "-tls1_2")
    assert code != 0 and "alert protocol version" in text


def test_alpn_prefers_http2_and_falls_back(edge):
    for offered, chosen in (("h2,http/1.1", "h2"), ("http/1.1", "http/1.1")):
        assert f"ALPN protocol: {chosen}" in s_client(edge, "-alpn", offered)[1]
    assert "No ALPN negotiated" in s_client(edge)[1]


def test_alpn_without_a_common_protocol_ends_in_an_alert(edge):
    code, text = s_client(edge, "-alpn", "spdy/3")
    assert code != 0 and "no application protocol" in text


def serial_shown(edge, name, *options):
    text = s_client(edge, *options, server_name=name)[1]
    done = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, text
    return int(done.stdout.strip().split("=")[1], 16)


@pytest.fixture(scope="module")
def named(settings, backend, authority, tmp_path_factory):
    """An edge with certificates for several names, and RSA beside ECDSA for one."""
    from support.edge import running
    folder = tmp_path_factory.mktemp("names")
    pairs = {
        "default": authority.issue("default.example.com"),
        "exact": authority.issue("a.apps.example.com"),
        "wildcard": authority.issue("*.apps.example.com"),
        "ecdsa": authority.issue("both.example.com"),
        "rsa": authority.issue("both.example.com", kind="rsa"),
        "idn": authority.issue("xn--bcher-kva.example"),
    }
    sources = []
    for name, pair in pairs.items():
        crt, key = pair.write(folder, name)
        sources.append({"files": {"certificate": str(crt), "key": str(key)}})
    sources[0]["default"] = True
    with running(tmp_path_factory.mktemp("edge"), settings(backend, certificates=sources)) as edge:
        yield edge, {name: pair.serial for name, pair in pairs.items()}


@pytest.mark.parametrize("asked,expected", [
    ("a.apps.example.com", "exact"), ("A.Apps.EXAMPLE.com", "exact"), ("b.apps.example.com", "wildcard"),
    ("x.b.apps.example.com", "default"), ("apps.example.com", "default"), ("unknown.test", "default"), (None, "default"),
    ("xn--bcher-kva.example", "idn"),
])
def test_the_name_decides_exact_then_wildcard_then_default(named, asked, expected):
    edge, serials = named
    assert serial_shown(edge, asked) == serials[expected]


def test_the_signature_algorithms_decide_between_rsa_and_ecdsa(named):
    edge, serials = named
    name = "both.example.com"
    for version in ("-tls1_2", "-tls1_3"):
        assert serial_shown(edge, name, version) == serials["ecdsa"]
        assert serial_shown(edge, name, version, "-sigalgs", "ecdsa_secp256r1_sha256") == serials["ecdsa"]
        assert serial_shown(edge, name, version, "-sigalgs", "RSA-PSS+SHA256") == serials["rsa"]


def test_an_unknown_name_is_refused_with_the_right_alert_where_configured(run_edge, settings, backend):
    edge = run_edge(settings(backend, tls={"unknown_name": "reject"}))
    code, text = s_client(edge, server_name="unknown.test")
    assert code != 0 and "unrecognized name" in text
    assert s_client(edge, server_name="www.example.com")[0] == 0


def test_plain_http_on_a_tls_listener_ends_without_a_handshake(edge):
    done = subprocess.run(["curl", "-sS", "-m", "5", f"http://127.0.0.1:{edge.port}/"], capture_output=True, text=True)
    assert done.returncode != 0 or "400" in done.stdout


# ---- resumption

def sessions_reused(edge, tmp_path, version, count=12):
    """Connects once for a session and `count` times with it; how often it was taken."""
    file = tmp_path / "session.pem"
    request = b"GET /echo HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n"
    code, text = s_client(edge, version, "-sess_out", str(file), "-ign_eof", send=request)
    assert code == 0 and file.exists(), text
    reused = 0
    for _ in range(count):
        _, text = s_client(edge, version, "-sess_in", str(file), "-ign_eof", send=request)
        reused += "Reused, TLS" in text
    return file, reused


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_resume_on_any_worker(edge, tmp_path, version):
    assert sessions_reused(edge, tmp_path, version)[1] == 12


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_resume_after_a_restart_with_the_same_state(run_edge, settings, backend, tmp_path, version):
    edge = run_edge(settings(backend))
    file, _ = sessions_reused(edge, tmp_path, version, count=0)
    edge.stop()
    edge.start()
    assert "Reused, TLS" in s_client(edge, version, "-sess_in", str(file))[1]


def ticket_key_name(edge):
    """The first bytes of a ticket: which key has sealed it."""
    text = s_client(edge, "-tls1_2")[1]
    return re.search(r"TLS session ticket:\s+0000 - ((?:[0-9a-f]{2}[ -]){16})", text)[1]


@pytest.mark.slow
def test_ticket_keys_change_as_often_as_it_is_said(run_edge, settings, backend):
    edge = run_edge(settings(backend, tls={"tickets": {"rotation": "15s"}}))
    first = ticket_key_name(edge)
    assert ticket_key_name(edge) == first
    eventually(lambda: ticket_key_name(edge) != first, patience=40, what="another key")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_without_tickets_nothing_resumes(run_edge, settings, backend, tmp_path, version):
    """Neither is a ticket given out, nor is one taken that was given out before."""
    edge = run_edge(settings(backend))
    file, reused = sessions_reused(edge, tmp_path, version, count=1)
    assert reused == 1
    edge.reload(tls={"tickets": "off"})
    request = b"GET /echo HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n"
    code, text = s_client(edge, version, "-sess_in", str(file), "-ign_eof", send=request)
    assert code == 0 and '"backend"' in text and "Reused, TLS" not in text
    code, text = s_client(edge, version, "-ign_eof", send=request)
    assert code == 0 and '"backend"' in text and "TLS session ticket:" not in text
    assert edge.metric("sekisho_handshakes_total", resumed="true") == 1


def test_a_session_of_one_name_is_no_pass_for_another_with_client_certificates(run_edge, settings, backend, authority, ca, tmp_path):
    """A ticket got without a client certificate must not open a host that requires one."""
    edge = run_edge(settings(backend, tls={"hosts": [
        {"hosts": ["other.example.com"], "client_certificates": {"mode": "required", "ca_certificates": str(ca)}}]}))
    file = tmp_path / "session.pem"
    request = b"GET /echo HTTP/1.1\r\nHost: other.example.com\r\nConnection: close\r\n\r\n"
    s_client(edge, "-tls1_2", "-sess_out", str(file), "-ign_eof", send=request.replace(b"other", b"www"))
    code, text = s_client(edge, "-tls1_2", "-sess_in", str(file), "-ign_eof", send=request, server_name="other.example.com")
    assert '"backend"' not in text


def test_a_request_for_a_stricter_host_on_another_hosts_connection_is_misdirected(run_edge, settings, backend, ca):
    edge = run_edge(settings(backend, tls={"hosts": [
        {"hosts": ["other.example.com"], "client_certificates": {"mode": "required", "ca_certificates": str(ca)}}]}))
    client = http1(edge, name="www.example.com")
    assert client.get("/echo")[0] == 200
    assert client.get("/echo", host="other.example.com")[0] == 421


# ---- client certificates

@pytest.fixture(scope="module")
def visitor(authority, tmp_path_factory):
    return authority.issue("visitor", client=True, common_name="visitor").write(tmp_path_factory.mktemp("visitor"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority("another CA").issue("visitor", client=True).write(tmp_path_factory.mktemp("stranger"))


IDENTITY = ("client-cert", "client-cert-chain", "x-client-verify", "x-client-subject", "x-client-issuer", "x-client-serial",
            "x-client-fingerprint")
FORGED = [word for name in IDENTITY for word in ("-H", f"{name}: forged")]


def with_certificate(pair):
    return ["--cert", str(pair[0]), "--key", str(pair[1])]


def identity(answer):
    return {k: v for k, v in echo_headers(answer).items() if k.replace("_", "-") in IDENTITY}


def test_required_client_certificates_are_required(run_edge, settings, backend, ca, visitor, stranger):
    edge = run_edge(settings(backend, tls={"client_certificates": {"mode": "required", "ca_certificates": str(ca)}}))
    assert curl(edge, "/echo", "-m", "5", check=None) == ""
    assert curl(edge, "/echo", "-m", "5", *with_certificate(stranger), check=None) == ""
    answer = curl_json(edge, "/echo", *with_certificate(visitor), *FORGED)
    assert "forged" not in str(identity(answer))
    assert "visitor" in str(identity(answer)), answer["headers"]


def test_optional_client_certificates_are_passed_on_where_they_are(run_edge, settings, backend, ca, visitor):
    edge = run_edge(settings(backend, tls={"client_certificates": {"mode": "optional", "ca_certificates": str(ca)}}))
    without = curl_json(edge, "/echo", *FORGED)
    assert "forged" not in str(identity(without))
    assert "visitor" in str(identity(curl_json(edge, "/echo", *with_certificate(visitor))))


@pytest.mark.parametrize("version", ["--tls-max 1.2", "--tlsv1.3"])
def test_an_optional_client_certificate_by_a_strangers_ca_is_not_passed_on_as_an_identity(run_edge, settings, backend, ca, stranger,
                                                                                          version):
    edge = run_edge(settings(backend, tls={"client_certificates": {"mode": "optional", "ca_certificates": str(ca)}}))
    text = curl(edge, "/echo", "-m", "5", *version.split(), *with_certificate(stranger), *FORGED, check=None)
    assert text == "", "whoever shows a certificate that nobody vouches for is refused"
    # The client has the alert a moment before the worker has counted it.
    eventually(lambda: edge.metric("sekisho_handshake_failures_total", reason="client_certificate") == 1)
    assert edge.metric("sekisho_requests_open") == 0 and edge.metric("sekisho_protocol_requests_total") == 0
    assert curl_status(edge, "/echo") == 200, "who shows none is served"


def test_identity_headers_of_a_client_are_removed_where_no_certificates_are_asked_for(edge):
    assert "forged" not in str(identity(curl_json(edge, "/echo", *FORGED)))


def test_identity_headers_spelled_with_underscores_are_removed_too(edge):
    """Many backends read `X_Client_Verify` and `X-Client-Verify` as one name."""
    underscored = [word.replace("-", "_") if i % 2 else word for i, word in enumerate(FORGED)]
    assert "forged" not in str(identity(curl_json(edge, "/echo", *underscored)))


def test_client_certificates_are_per_host_and_their_bundle_is_read_again(run_edge, settings, backend, authority, tmp_path, visitor):
    bundle = tmp_path / "clients.pem"
    bundle.write_bytes(Authority("yet another").pem)
    edge = run_edge(settings(backend, tls={"hosts": [
        {"hosts": ["other.example.com"], "client_certificates": {"mode": "required", "ca_certificates": str(bundle)}}]}))
    assert curl_status(edge, "/echo") == 200
    assert curl(edge, "/echo", "-m", "5", *with_certificate(visitor), host="other.example.com", check=None) == ""
    bundle.write_bytes(authority.pem)
    eventually(lambda: "visitor" in curl(edge, "/echo", "-m", "5", *with_certificate(visitor), host="other.example.com", check=None))


def test_a_host_that_requires_client_certificates_is_not_served_in_clear(run_edge, settings, backend, ca):
    values = settings(backend, tls={"hosts": [
        {"hosts": ["other.example.com"], "client_certificates": {"mode": "required", "ca_certificates": str(ca)}}]})
    values["routes"] = [{"backend": "app"}, {"path": {"prefix": "/moved"}, "backend": "app", "https_redirect": True}]
    edge = run_edge(values)
    assert curl_status(edge, "/echo", scheme="http", host="other.example.com") == 421
    assert curl_status(edge, "/moved", scheme="http", host="other.example.com") == 308
    assert curl_status(edge, "/echo", scheme="http") == 200


# ---- towards backends

def test_upstream_tls_verifies_by_default(run_edge, settings, make_backend, authority, ca, pair_files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, pair_files))
    server = make_backend("secure", tls=context)
    values = settings(server)
    values["routes"] = [{"path": {"prefix": f"/{name}"}, "backend": name, "replace_prefix": "/echo"}
                        for name in ("good", "untrusted", "misnamed", "careless")]
    endpoint = [server.address]
    values["backends"] = {
        "good": {"endpoints": endpoint, "tls": {"ca_certificates": str(ca), "server_name": "www.example.com"}},
        "untrusted": {"endpoints": endpoint, "tls": {"server_name": "www.example.com"}},
        "misnamed": {"endpoints": endpoint, "tls": {"ca_certificates": str(ca), "server_name": "wrong.example.com"}},
        "careless": {"endpoints": endpoint, "tls": {"verify": False}},
    }
    edge = run_edge(values)
    assert curl_json(edge, "/good")["backend"] == "secure"
    assert curl_status(edge, "/untrusted") == 502
    assert curl_status(edge, "/misnamed") == 502
    assert curl_json(edge, "/careless")["backend"] == "secure"


def test_upstream_client_certificate_is_shown(run_edge, settings, make_backend, ca, pair_files, visitor):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, pair_files))
    context.load_verify_locations(str(ca))
    context.verify_mode = ssl.CERT_REQUIRED
    server = make_backend("strict", tls=context)
    values = settings(server)
    values["backends"]["app"]["tls"] = {
        "ca_certificates": str(ca), "server_name": "www.example.com",
        "client_certificate": {"certificate": str(visitor[0]), "key": str(visitor[1])}}
    assert curl_json(run_edge(values), "/echo")["backend"] == "strict"


def test_a_silent_client_is_closed_after_the_handshake_time(run_edge, settings, backend):
    import socket
    edge = run_edge(settings(backend, timeouts={"handshake": "300ms"}))
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as sock:
        assert sock.recv(1) == b""


def test_half_a_client_hello_at_a_time_is_still_a_handshake(edge):
    """A ClientHello in pieces of a few bytes, as a slow network cuts it."""
    import socket
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = tls_context().wrap_bio(incoming, outgoing, server_hostname="www.example.com")
    with socket.create_connection(("127.0.0.1", edge.port), timeout=10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in (flight := outgoing.read()):
                    sock.sendall(bytes([byte]))
                if not flight:
                    incoming.write(sock.recv(65536))
                    continue
    assert tls.version() == "TLSv1.3"


@pytest.mark.alone
def test_many_connections_at_once_are_all_served(edge):
    socks = [tls_socket(edge.port) for _ in range(200)]
    for sock in socks:
        sock.close()
