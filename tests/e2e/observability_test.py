"""What one sees from outside: health, metrics, status page, access log."""

import json
import os
import re
import subprocess

import pytest

from support.client import curl, curl_status, http1, http2, plain_http1
from support.edge import BINARY, eventually


def test_health_and_readiness(edge):
    assert edge.admin("/healthz")[0] == 200
    status, text = edge.admin("/readyz")
    answer = json.loads(text)
    assert status == 200 and isinstance(answer["generation"], int)
    assert list(answer) == ["ready", "reasons", "warnings", "draining", "generation", "published_generation", "reload"]
    assert list(answer["reload"]) == ["last", "good", "refused", "problems", "restart_needed"]
    assert edge.admin("/nothing")[0] == 404


def test_admin_refuses_changes_by_unknown_methods(edge):
    assert edge.admin("/readyz", "DELETE")[0] in (404, 405)


def test_the_api_is_json_without_secrets(edge, pair):
    for path in ("/api/certificates", "/api/routes", "/api/backends", "/api/config"):
        status, text = edge.admin(path)
        assert status == 200 and json.loads(text) is not None
        assert "PRIVATE" not in text
    assert "www.example.com" in edge.admin("/api/certificates")[1]


def test_the_status_page_is_for_people(edge):
    status, text = edge.admin("/")
    assert status == 200 and "<html" in text.lower() and "www.example.com" in text
    assert "http://" not in re.sub(r"http://www\.w3\.org\S*", "", text), "it needs nothing from elsewhere"


def test_a_stranger_cannot_write_into_the_status_page(run_edge, settings):
    edge = run_edge(settings(None, routes=[{"name": "<script>alert(1)</script>", "respond": {"body": "x"}}], ), start=False)
    edge.start(ready=False)
    try:
        edge.wait_ready(5)
    except (RuntimeError, AssertionError):
        edge.kill()
        return  # refused as a name: as good
    assert "<script>alert" not in edge.admin("/")[1]


def test_metrics_are_what_prometheus_reads(edge):
    curl(edge, "/echo")
    text = edge.admin("/metrics")[1]
    for line in text.splitlines():
        assert not line or line.startswith("#") or re.match(r'^[a-zA-Z_:][\w:]*(\{.*\})? [-+0-9.eEInfNa]+$', line), line
    for word in ("request", "connection", "handshake", "bytes", "reload", "x509_cert_not_after", "upstream", "generation", "_bucket"):
        assert word in text, word
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    assert all(kind in ("counter", "gauge", "histogram", "summary") for kind in kinds.values())
    for name, kind in kinds.items():
        if kind == "counter":
            assert name.endswith("_total") or name.startswith("x509_"), f"counter {name} without _total"


def test_requests_are_counted_exactly(run_edge, settings, backend):
    edge = run_edge(settings(backend))

    def count():
        series = edge.metrics()
        name = next(n for n in series if re.search(r"requests_total$", n) and "upstream" not in n and "backend" not in n
                    and "endpoint" not in n)
        return sum(v for _, v in series[name])
    before = count()
    client = http2(edge)
    for _ in range(25):
        client.get("/echo")
    one = http1(edge)
    for _ in range(25):
        one.get("/echo")
    eventually(lambda: count() - before == 50, what="50 more requests")


def test_label_values_stay_bounded_whatever_strangers_send(run_edge, settings, backend):
    edge = run_edge(settings(backend))
    curl(edge, "/echo")
    before = len(edge.admin("/metrics")[1])
    client = plain_http1(edge.plain_port)
    for number in range(500):
        client.send(f"M{number} /path{number} HTTP/1.1\r\nHost: host{number}.example\r\nUser-Agent: a{number}\r\n\r\n")
        client.response()
    for number in range(20):
        curl_status(edge, "/echo", host=f"sni{number}.example")
    text = edge.admin("/metrics")[1]
    assert "host499" not in text and "sni1" not in text and "M499" not in text
    assert len(text) < before * 1.5


FIELDS = ("request_id", "route", "endpoint", "status", "method", "host", "protocol", "tls_version", "generation", "outcome")


def log_lines(edge):
    return [json.loads(line) for line in edge.stdout.splitlines() if line.strip()]


def test_every_request_is_one_json_line(run_edge, settings, backend):
    edge = run_edge(settings(backend, access_log="json"))
    curl(edge, "/echo?q=%22", "-H", "X-Request-Id: find-me", "-A", 'quote" and \\ and \u00e9')
    curl(edge, "/echo", "--http2", "-d", "12345")
    curl(edge, "/close", "-X", "POST", "-d", "x")
    eventually(lambda: len(log_lines(edge)) == 3)
    # Each worker has a ring of its own: lines of two workers may come in either order.
    lines = log_lines(edge)
    (first,) = [line for line in lines if line["request_id"] == "find-me"]
    (third,) = [line for line in lines if line["status"] == 502]
    (second,) = [line for line in lines if line not in (first, third)]
    for field in FIELDS:
        assert field in first, f"{field} not in {first}"
    assert first["request_id"] == "find-me" and first["status"] == 200 and first["method"] == "GET"
    assert first["endpoint"] == backend.address and first["tls_version"].replace(" ", "") in ("TLSv1.3", "TLS1.3", "1.3")
    assert "2" in second["protocol"] and 5 in second.values()
    assert third["status"] == 502 and third["outcome"] != first["outcome"]
    assert any("resumed" in key for key in first) and any("server_name" in key or "sni" in key for key in first)


def test_refused_requests_are_logged_too(run_edge, settings, backend):
    edge = run_edge(settings(backend, access_log="json", limits={"uri_length": "100"}))
    curl_status(edge, "/" + "a" * 300)
    client = http1(edge)
    client.send(b"GET /\xff\xfe HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
    client.response()
    eventually(lambda: len(log_lines(edge)) == 2)
    # Lines of two workers may come in either order.
    assert sorted(line["status"] for line in log_lines(edge)) == [400, 414]


OWN_ANSWERS = {"/moved": 302, "/fixed": 200, "/unknown": 404, "/large": 413}


@pytest.fixture
def own_answers(run_edge, settings, backend):
    """An edge behind a load balancer that it trusts, with answers of its own on every path but /echo."""
    routes = [{"path": {"exact": "/moved"}, "redirect": {"host": "new.example.com", "status": 302}},
              {"path": {"exact": "/fixed"}, "respond": {"body": "x"}},
              {"path": {"exact": "/large"}, "backend": "app", "body_size": "1"},
              {"path": {"exact": "/gone"}, "backend": "gone"},
              {"path": {"exact": "/echo"}, "backend": "app"}]
    backends = {"app": {"endpoints": [backend.address]}, "gone": {"endpoints": ["127.0.0.1:1"]}}
    return run_edge(settings(None, routes=routes, backends=backends, access_log="json", trusted_proxies=["127.0.0.0/8"],
                             limits={"uri_length": "100"}))


def by_path(edge, count):
    eventually(lambda: len(log_lines(edge)) == count, what=f"{count} lines")
    return {line["path"]: line for line in log_lines(edge)}


@pytest.mark.parametrize("make", [http1, http2])
def test_answers_of_our_own_have_the_clients_request_id_and_its_address(own_answers, make):
    statuses = {**OWN_ANSWERS, "/gone": 502}
    for number, (path, status) in enumerate(statuses.items()):
        extra = {"X-Request-Id": f"mine-{number}", "X-Forwarded-For": "192.0.2.7"}
        client = make(own_answers)
        if make is http1:
            client.send(f"POST {path} HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 2\r\n"
                        + "".join(f"{name}: {value}\r\n" for name, value in extra.items()) + "\r\nxy")
            got = client.response()
            assert got[1]["x-request-id"] == [f"mine-{number}"], path
        else:
            stream = client.request("POST", path, headers=[(name.lower(), value) for name, value in extra.items()], body=b"xy")
            got = client.response(stream)
            assert dict(got[1])["x-request-id"] == f"mine-{number}", path
        assert got[0] == status, path
    lines = by_path(own_answers, len(statuses))
    for number, path in enumerate(statuses):
        assert (lines[path]["request_id"], lines[path]["client"]) == (f"mine-{number}", "192.0.2.7"), path


@pytest.mark.parametrize("make", [http1, http2])
def test_refused_requests_have_a_request_id_in_their_answer_and_in_the_log(own_answers, make):
    path = "/" + "a" * 300
    if make is http1:
        status, headers, _, _ = http1(own_answers).get(path)
        (told,) = headers["x-request-id"]
    else:
        client = http2(own_answers)
        status, headers = client.response(client.request(path=path))[:2]
        told = dict(headers)["x-request-id"]
    assert status == 414 and re.fullmatch("[0-9a-f]{32}", told)
    eventually(lambda: log_lines(own_answers))
    assert [line["request_id"] for line in log_lines(own_answers)] == [told]


def test_text_log_has_one_line_a_request(run_edge, settings, backend):
    edge = run_edge(settings(backend, access_log="text"))
    curl(edge, "/echo?text=1")
    eventually(lambda: "/echo?text=1" in edge.stdout and len(edge.stdout.splitlines()) == 1)


@pytest.mark.slow
def test_a_log_reader_that_stops_costs_lines_not_requests(run_edge, settings, backend, tmp_path):
    edge = run_edge(settings(backend, access_log="json"), start=False)
    reading, writing = os.pipe()
    edge.stderr_path, edge.stdout_path = edge.folder / "0.stderr", edge.folder / "0.stdout"
    with open(edge.stderr_path, "wb") as err:
        edge.process = subprocess.Popen([BINARY, "run", "--config", edge.file], stdout=writing, stderr=err,
                                        stdin=subprocess.DEVNULL)
    os.close(writing)
    edge.wait_ready()
    done = subprocess.run(["h2load", "-n", "20000", "-c", "10", "-m", "10", f"https://127.0.0.1:{edge.port}/status/200"],
                          capture_output=True, text=True, timeout=60)
    assert "20000 2xx" in done.stdout, done.stdout
    dropped = eventually(lambda: [line for line in edge.admin("/metrics")[1].splitlines()
                                  if "log" in line and "drop" in line and not line.startswith("#")])
    assert sum(float(line.split()[-1]) for line in dropped) > 0, dropped
    os.close(reading)


def test_the_process_log_is_structured_and_holds_no_secret(run_edge, settings, backend):
    edge = run_edge(settings(backend))
    curl(edge, "/echo", "-H", "Authorization: Bearer very-secret-token")
    assert "very-secret-token" not in edge.stderr + edge.stdout
