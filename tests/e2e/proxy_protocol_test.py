"""The PROXY protocol, in and out, version 1 and 2."""

import socket
import struct

import pytest

from support.client import Http1, curl_json, echo_headers, tls_socket


def v2(source="192.0.2.9", port=4444, command=1):
    addresses = socket.inet_aton(source) + socket.inet_aton("192.0.2.1") + struct.pack("!HH", port, 443)
    return b"\r\n\r\n\x00\r\nQUIT\n" + bytes([0x20 | command, 0x11]) + struct.pack("!H", len(addresses)) + addresses


V1 = b"PROXY TCP4 192.0.2.9 192.0.2.1 4444 443\r\n"


@pytest.fixture
def behind(run_edge, settings, backend):
    """An edge whose TLS listener expects a PROXY header from these networks."""
    def make(network):
        from support.edge import free_port
        port = free_port()
        edge = run_edge(settings(backend, listeners=[
            {"address": f"127.0.0.1:{port}", "tls": True, "proxy_protocol": {"from": [network]}}]))
        edge.port = port
        return edge
    return make


@pytest.mark.parametrize("header", [V1, v2()], ids=["v1", "v2"])
def test_the_client_of_the_header_is_the_client(behind, header):
    import json
    edge = behind("127.0.0.0/8")
    answer = json.loads(Http1(tls_socket(edge.port, before=header)).get("/echo")[2])
    assert echo_headers(answer)["x-forwarded-for"] == ["192.0.2.9"]


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", v2(command=0)], ids=["unknown", "local"])
def test_a_header_without_addresses_keeps_the_peers(behind, header):
    import json
    edge = behind("127.0.0.0/8")
    answer = json.loads(Http1(tls_socket(edge.port, before=header)).get("/echo")[2])
    assert echo_headers(answer)["x-forwarded-for"] == ["127.0.0.1"]


@pytest.mark.parametrize("header", [
    b"", b"PROXY TCP4 192.0.2.9\r\n", b"PROXY TCP4 999.0.2.9 192.0.2.1 1 2\r\n", b"PROXY TCP4 " + b"1" * 200,
    v2()[:12] + b"\x31\x11\x00\x0c" + v2()[16:], v2()[:14] + b"\xff\xff" + v2()[16:]],
    ids=["none", "short", "no address", "endless", "wrong version", "too long"])
def test_a_broken_or_missing_header_ends_the_connection(behind, header):
    edge = behind("127.0.0.0/8")
    with pytest.raises((OSError, EOFError)):
        Http1(tls_socket(edge.port, before=header, patience=3)).get("/echo")


def test_a_header_from_a_stranger_is_never_read(behind):
    edge = behind("10.0.0.0/8")
    with pytest.raises(OSError):
        tls_socket(edge.port, before=V1, patience=3)
    import json
    answer = json.loads(Http1(tls_socket(edge.port)).get("/echo")[2])
    assert echo_headers(answer)["x-forwarded-for"] == ["127.0.0.1"]


def test_a_header_one_byte_at_a_time_is_read(behind):
    import ssl
    from support.client import tls_context
    edge = behind("127.0.0.0/8")
    raw = socket.create_connection(("127.0.0.1", edge.port), timeout=10)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in v2():
        raw.sendall(bytes([byte]))
    tls = tls_context().wrap_socket(raw, server_hostname="www.example.com")
    assert isinstance(tls, ssl.SSLSocket) and Http1(tls).get("/echo")[0] == 200


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_backends_are_told_the_client(run_edge, settings, make_backend, version):
    server = make_backend(proxy_protocol=True)
    values = settings(server)
    values["backends"]["app"]["proxy_protocol"] = version
    edge = run_edge(values)
    header = curl_json(edge, "/echo")["proxy"]
    if version == "v1":
        assert header.startswith("PROXY TCP4 127.0.0.1 127.0.0.1 ") and header.endswith("\r\n")
    else:
        assert header.startswith("v2:0d0a0d0a000d0a515549540a2111000c7f0000017f000001")


def test_connections_are_limited_by_the_client_of_the_header_not_by_the_load_balancer(run_edge, settings, backend):
    from support.edge import free_port
    port = free_port()
    edge = run_edge(settings(backend, workers=1, limits={"connections_per_address": 3}, listeners=[
        {"address": f"127.0.0.1:{port}", "tls": True, "proxy_protocol": {"from": ["127.0.0.0/8"]}}]))
    edge.port = port
    kept = [Http1(tls_socket(port, before=v2(f"192.0.2.{number}"))) for number in range(1, 7)]
    assert [client.get("/echo")[0] for client in kept] == [200] * 6
    same = [Http1(tls_socket(port, before=v2("192.0.2.1"))) for _ in range(2)]
    with pytest.raises(OSError):
        tls_socket(port, before=v2("192.0.2.1"))
    for client in kept + same:
        client.close()
