"""HTTP/2 from clients: streams, flow control, trailers, WebSocket over RFC 8441, real clients."""

import json
import re
import subprocess

import h2.errors
import h2.settings
import pytest

from support.client import WebSocketOverHttp2, curl, http2
from support.edge import eventually

MAX_STREAMS = h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS


def test_many_streams_at_once_answer_as_they_are_ready(edge, backend):
    client = http2(edge)
    slow = client.request(path="/gate")
    quick = [client.request(path=f"/echo?n={i}") for i in range(50)]
    for number, stream in enumerate(quick):
        assert json.loads(client.response(stream)[2])["target"] == f"/echo?n={number}"
    assert slow not in client.ended
    backend.gate.set()
    assert client.response(slow)[0] == 200
    backend.gate.clear()


def test_request_bodies_and_trailers_reach_the_backend(edge):
    client = http2(edge)
    stream = client.request("POST", "/echo", end=False)
    client.send_data(stream, b"hello ")
    client.send_data(stream, b"world")
    client.h2.send_headers(stream, [("x-end", "yes")], end_stream=True)
    client.flush()
    answer = json.loads(client.response(stream)[2])
    assert answer["body"] == "hello world"
    assert ["x-end", "yes"] in [[k.lower(), v] for k, v in answer["trailers"]]


def test_response_trailers_reach_the_client(edge):
    status, _, body, trailers = http2(edge).get("/chunked?n=2", headers=[("te", "trailers")])
    assert (status, body) == (200, b"piece 0\npiece 1\n") and trailers.get("x-sum") == "42"


def test_cookies_in_pieces_become_one_header(edge):
    answer = json.loads(http2(edge).get("/echo", headers=[("cookie", "a=1"), ("cookie", "b=2")])[2])
    assert [v for k, v in answer["headers"] if k.lower() == "cookie"] == ["a=1; b=2"]


def test_no_connection_headers_come_back(edge):
    headers = http2(edge).get("/echo")[1]
    assert not {"connection", "keep-alive", "transfer-encoding", "upgrade"} & set(headers)


def test_a_head_request_has_no_body(edge):
    client = http2(edge)
    status, headers, body, _ = client.response(client.request("HEAD", "/download?size=777"))
    assert (status, headers["content-length"], body) == (200, "777", b"")


def test_early_hints_come_before_the_response(edge):
    client = http2(edge)
    stream = client.request(path="/hints")
    assert client.response(stream)[0] == 200
    assert [h[":status"] for h in client.informational.get(stream, [])] == ["103"]


def test_a_stream_without_window_holds_back_only_itself(edge):
    client = http2(edge, window=1000)
    stuck = client.request(path="/download?size=1000000")
    client.until(lambda: len(client.data.get(stuck, b"")) >= 1000)
    assert client.get("/status/204")[0] == 204
    assert len(client.data[stuck]) == 1000
    client.h2.increment_flow_control_window(1000, stuck)
    client.flush()
    client.until(lambda: len(client.data[stuck]) >= 2000)


def test_a_reset_stream_leaves_the_others_alone(edge):
    client = http2(edge)
    first = client.request(path="/wait?ms=2000")
    client.h2.reset_stream(first, h2.errors.ErrorCodes.CANCEL)
    client.flush()
    assert client.get("/echo")[0] == 200


def test_a_broken_backend_body_resets_only_its_stream(edge):
    client = http2(edge)
    for path in ("/cut", "/cut-chunked"):
        stream = client.request(path=path)
        client.until(lambda: stream in client.ended)
        assert stream in client.resets, "a cut body must not look complete"
    assert client.get("/echo")[0] == 200


@pytest.mark.parametrize("header", [("connection", "close"), ("transfer-encoding", "chunked"), ("te", "gzip")])
def test_connection_headers_are_a_protocol_error(edge, header):
    client = http2(edge)
    client.h2.config.validate_outbound_headers = False
    client.h2.config.normalize_outbound_headers = False
    stream = client.request(path="/echo", headers=[header])
    status = client.response(stream)[0]
    assert stream in client.resets or status == 400


def test_content_length_that_the_body_denies_is_an_error(edge):
    client = http2(edge)
    client.h2.config.validate_outbound_headers = False
    stream = client.request("POST", "/echo", headers=[("content-length", "3")], body=b"hello")
    status = client.response(stream)[0]
    assert stream in client.resets or status == 400


@pytest.fixture
def three_streams(run_edge, settings, make_backend):
    """An edge that allows three streams a connection, its backend, and a client that would open any number."""
    server = make_backend()
    edge = run_edge(settings(server, limits={"streams_per_connection": 3}))
    client = http2(edge)
    client.h2.remote_settings = h2.settings.Settings(client=False, initial_values={MAX_STREAMS: 1000})
    return edge, server, client


def test_streams_over_the_limit_of_a_client_that_could_not_know_it_are_refused(three_streams):
    """RFC 9113 section 5.1.2. Before its acknowledgement of the settings arrives, more than that is no fault."""
    edge, server, client = three_streams
    streams = [client.request(path="/gate") for _ in range(6)]
    client.until(lambda: len(client.resets) == 3)
    assert client.resets == dict.fromkeys(streams[3:], h2.errors.ErrorCodes.REFUSED_STREAM)
    eventually(lambda: len(server.requests) == 3)
    server.gate.set()
    assert [client.response(stream)[0] for stream in streams[:3]] == [200] * 3
    assert len(server.requests) == 3, "what was refused is not queued"


def test_streams_over_the_limit_of_a_client_that_knows_it_end_the_connection(three_streams):
    edge, server, client = three_streams
    client.until(lambda: client.settings)
    assert client.settings[MAX_STREAMS] == 3
    client.h2.remote_settings.update({MAX_STREAMS: 1000})
    client.h2.remote_settings.acknowledge()
    for _ in range(4):
        client.request(path="/gate")
    client.until(lambda: client.goaway is not None)
    assert client.goaway.error_code == h2.errors.ErrorCodes.PROTOCOL_ERROR
    assert edge.metric("sekisho_client_violations_total", reason="protocol_h2") == 1
    assert len(server.requests) <= 3


def test_rapid_reset_ends_the_connection(run_edge, settings, backend):
    """CVE-2023-44487: opened and reset at once, again and again."""
    edge = run_edge(settings(backend))
    client = http2(edge)
    client.until(lambda: client.settings)
    try:
        for _ in range(200):
            for _ in range(50):
                stream = client.request(path="/wait?ms=200")
                client.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
            client.flush()
        client.sock.settimeout(5)
        while True:
            client.pump()
            if client.goaway is not None:
                break
    except (OSError, EOFError):
        pass
    else:
        assert client.goaway is not None
    assert http2(edge).get("/echo")[0] == 200


def test_websocket_over_http2(edge):
    client = http2(edge)
    first = WebSocketOverHttp2(client)
    second = WebSocketOverHttp2(client)
    for size in (1, 126, 60000):
        first.echo(b"a" * size)
        second.echo(b"b" * size)
    assert client.get("/echo")[0] == 200


def test_nghttp_gets_a_page_and_its_neighbours(edge):
    done = subprocess.run(["nghttp", "-nv", "--no-verify-peer", "-H", ":authority: www.example.com", f"https://127.0.0.1:{edge.port}/echo",
                           f"https://127.0.0.1:{edge.port}/chunked"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and done.stdout.count(":status: 200") == 2, done.stdout[-2000:] + done.stderr


@pytest.mark.parametrize("option", ["--h1", "-m16"])
def test_h2load_sees_no_failure(edge, option):
    done = subprocess.run(["h2load", option, "-n", "3000", "-c", "10", f"https://127.0.0.1:{edge.port}/status/200"],
                          capture_output=True, text=True, timeout=60)
    assert re.search(r"3000 succeeded, 0 failed, 0 errored", done.stdout), done.stdout + done.stderr
    assert "3000 2xx" in done.stdout, done.stdout


def test_curl_uploads_and_downloads_by_http2(edge, ca, tmp_path):
    content = bytes(range(256)) * 40000
    file = tmp_path / "body"
    file.write_bytes(content)
    assert curl(edge, "/upload", "--http2", "-T", str(file), ca=ca) == str(len(content))
    out = tmp_path / "out"
    curl(edge, f"/download?size={len(content)}", "--http2", "-o", str(out), ca=ca)
    assert out.read_bytes() == content[:len(content)]


def test_http2_backends_by_prior_knowledge(run_edge, settings, tmp_path):
    """h2c to a backend that is sekisho itself: its plain listener speaks HTTP/2 without TLS."""
    inner = run_edge(settings(None, routes=[{"respond": {"status": 201, "body": "inner"}}]))
    values = settings(None, routes=[{"backend": "app"}],
                      backends={"app": {"endpoints": [f"127.0.0.1:{inner.plain_port}"], "protocol": "http2"}})
    outer = run_edge(values)
    status, _, body, _ = http2(outer).get("/x")
    assert (status, body) == (201, b"inner")
    assert curl(outer, "/x", "--http1.1") == "inner"


def test_idle_connections_get_goaway(run_edge, settings, backend):
    edge = run_edge(settings(backend, timeouts={"idle": "300ms"}))
    client = http2(edge)
    assert client.get("/echo")[0] == 200
    with pytest.raises((EOFError, OSError)):
        client.until(lambda: False)
    assert client.goaway is not None and client.goaway.error_code == 0


def test_open_requests_are_back_to_zero_after_all_that(edge):
    client = http2(edge)
    for _ in range(51):  # the tests above may have run in another process of pytest, on another edge
        assert client.get("/echo")[0] == 200
    assert edge.metric("sekisho_protocol_requests_total", protocol="h2") > 50, "this edge has been used"
    eventually(lambda: edge.metric("sekisho_requests_open") == 0 and edge.metric("sekisho_upgrades_open") == 0)
    assert edge.metric("sekisho_escaped_errors_total") == 0


def test_no_way_past_the_routes_by_a_switch_to_h2c(edge, backend):
    client = http2(edge)
    client.until(lambda: client.settings)
    before = len(backend.requests)
    stream = client.request("CONNECT", "/echo", protocol="h2c", end=False)
    assert client.response(stream)[0] == 400
    assert len(backend.requests) == before


def test_padding_without_end_is_a_flood(edge):
    client = http2(edge)
    stream = client.request("POST", "/upload", end=False)
    frame = b"\x00\x00\x01\x00\x08" + stream.to_bytes(4, "big") + b"\x00"
    client.sock.sendall(frame * 2000)
    client.until(lambda: client.goaway is not None)
    assert client.goaway.error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
