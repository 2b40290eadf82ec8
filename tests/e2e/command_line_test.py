"""The command line: what a newcomer types first, and the exit codes that scripts rely on."""

import json
import os
import re
import signal
import subprocess

import pytest

from support.client import curl
from support.edge import BINARY, eventually, free_port, run_command


@pytest.fixture
def proxy(tmp_path):
    """proxy(WORDS...): `sekisho proxy` in the background; returns the process and the file of its output."""
    started = []

    def run(*words):
        out = tmp_path / f"proxy{len(started)}.out"
        environment = {**os.environ, "STATE_DIRECTORY": str(tmp_path / "state")}
        with open(out, "wb") as file:
            process = subprocess.Popen([BINARY, "proxy", *words], stdout=file, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, env=environment)
        started.append(process)
        return process, out

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def printed(process, out, pattern):
    def found():
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode}: {out.read_text()}")
        return re.search(pattern, out.read_text())
    return eventually(found, what=pattern)


def test_proxy_prints_a_curl_line_that_works_as_printed(proxy, backend):
    port = free_port()
    process, out = proxy("--to", backend.address, "--host", "app.localhost", "--listen", f"127.0.0.1:{port}")
    line = printed(process, out, r"(?m)^\s*\$?\s*(curl .*)$")[1]
    assert f"https://app.localhost:{port}" in out.read_text()
    answer = eventually(lambda: subprocess.run(line + " -sS", shell=True, capture_output=True, text=True, timeout=20).stdout)
    assert json.loads(answer)["backend"] == "one"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_proxy_makes_its_authority_once_and_keeps_it(proxy, tmp_path, backend):
    found = []
    for _ in range(2):
        port = free_port()
        process, out = proxy("--to", backend.address, "--host", "app.localhost", "--listen", f"127.0.0.1:{port}")
        printed(process, out, r"curl ")
        path = printed(process, out, r"(/\S*ca\.crt)")[1]
        found.append(open(path, "rb").read())
        process.kill()
        process.wait()
    assert found[0] == found[1]
    keys = list((tmp_path / "state").rglob("ca.key"))
    assert len(keys) == 1 and keys[0].stat().st_mode & 0o777 == 0o600


def test_the_first_start_keeps_its_state_to_its_owner_and_has_nothing_to_warn_of(tmp_path, backend):
    state, printed_out, warned = tmp_path / "new" / "state", tmp_path / "out", tmp_path / "err"
    with open(printed_out, "wb") as out, open(warned, "wb") as err:
        process = subprocess.Popen([BINARY, "proxy", "--to", backend.address, "--listen", f"127.0.0.1:{free_port()}",
                                    "--state", state], stdout=out, stderr=err, stdin=subprocess.DEVNULL)
    try:
        printed(process, printed_out, r"curl ")
    finally:
        process.kill()
        process.wait()
    assert state.stat().st_mode & 0o777 == 0o700
    assert "state directory" not in warned.read_text()


def test_proxy_without_a_target_echoes_the_request_as_json(proxy):
    port = free_port()
    process, out = proxy("--host", "app.localhost", "--listen", f"127.0.0.1:{port}")
    path = printed(process, out, r"(/\S*ca\.crt)")[1]
    printed(process, out, r"curl ")
    done = subprocess.run(["curl", "-sS", "--cacert", path, "--noproxy", "*", "-H", "X-Mine: 1", "-d", "hello", "--resolve",
                           f"app.localhost:{port}:127.0.0.1", f"https://app.localhost:{port}/some/path?q=1"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    text = json.dumps(json.loads(done.stdout)).lower()
    for part in ("post", "/some/path?q=1", "x-mine", "hello", "app.localhost"):
        assert part in text, part


@pytest.mark.parametrize("words, expected", [
    (("--listen", "70000"), "--listen: found `70000`"),
    (("--to", "nope:99999"), "--to: found `nope:99999`"),
    (("--state", "/dev/null/nowhere"), "(--state names another directory)"),
])
def test_proxy_names_the_option_that_is_wrong(tmp_path, words, expected):
    done = run_command("proxy", *(("--state", tmp_path / "state") if "--state" not in words else ()), *words)
    assert done.returncode in (1, 2) and expected in done.stderr


def test_no_subcommand_or_an_unknown_one_is_wrong_usage():
    assert run_command().returncode == 2
    assert run_command("fly").returncode == 2
    assert run_command("run").returncode == 2
    assert run_command("proxy", "--no-such-option").returncode == 2


def test_version_and_help_are_done():
    assert re.search(r"\d+\.\d+\.\d+", run_command("version", check=0).stdout)
    assert "proxy" in run_command("--help", check=0).stdout


def test_check_says_where_and_what_and_suggests_the_nearest_key(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("listeners:\n  - address: 127.0.0.1:8443\n    tsl: true\nroutes:\n  - backend: nowhere\n")
    done = run_command("check", file, check=1)
    text = done.stdout + done.stderr
    assert re.search(r"bad\.yaml:3:5: .*tsl.*\btls\b", text), text
    assert re.search(r"bad\.yaml:5:\d+: .*nowhere", text), text


def test_check_of_the_smallest_useful_file_is_done(tmp_path, pair_files):
    file = tmp_path / "good.yaml"
    file.write_text(f"""
workers: 2
listeners:
  - address: 127.0.0.1:8443
    tls: true
  - address: 127.0.0.1:8080
certificates:
  - files: {{ certificate: {pair_files[0]}, key: {pair_files[1]} }}
routes:
  - hosts: [www.example.com]
    path: {{ prefix: /app1 }}
    backend: app1
backends:
  app1:
    endpoints: [127.0.0.1:3000]
""")
    run_command("check", file, check=0)


def test_check_of_a_file_with_every_source_and_a_mirror_is_done(tmp_path, pair_files):
    (tmp_path / "extra-roots.pem").write_bytes(pair_files[0].read_bytes())
    file = tmp_path / "whole.yaml"
    file.write_text(f"""
listeners:
  - address: 127.0.0.1:8443
    tls: true
  - address: 127.0.0.1:8080
admin:
  address: 127.0.0.1:9180
access_log: off
certificates:
  - files: {{ certificate: {pair_files[0]}, key: {pair_files[1]} }}
  - directory: /mnt/secrets-store
  - hosts: [www.example.com, "*.example.com"]
    issuer: letsencrypt
  - key_vault: {{ vault: "https://my-vault.vault.azure.net", name: app-ssl-certificate, poll: 2m }}
issuers:
  letsencrypt:
    acme:
      directory: "https://acme-v02.api.letsencrypt.org/directory"
      email: admin@example.com
      agree_to_terms: true
      challenge: http-01
      ca_certificates: extra-roots.pem
  local:
    self_signed: {{}}
routes:
  - hosts: [www.example.com]
    path: {{ prefix: /app1 }}
    backend: app1
backends:
  app1:
    endpoints: [127.0.0.1:3000]
mirrors:
  - application_gateway: {{ resource_id: "/subscriptions/…/applicationGateways/gw" }}
""")
    said = run_command("check", file, check=0)
    assert "/mnt/secrets-store" in said.stdout + said.stderr  # that it is not there is a warning


@pytest.mark.parametrize("part, expected", [
    ("certificates: [{key_vault: {vault: 'http://v.vault.azure.net', name: n}}]", "such as https://my-vault.vault.azure.net"),
    ("mirrors: [{application_gateway: {resource_id: /subscriptions/x}}]", "providers/Microsoft.Network/applicationGateways/NAME"),
])
def test_check_refuses_what_is_nowhere_in_azure(tmp_path, part, expected):
    file = tmp_path / "wrong.yaml"
    file.write_text("listeners: [{address: '127.0.0.1:8080'}]\n" + part + "\n")
    text = run_command("check", file, check=1)
    assert "wrong.yaml:2:" in text.stdout + text.stderr and expected in text.stdout + text.stderr


def test_check_of_a_missing_file_fails(tmp_path):
    assert run_command("check", tmp_path / "none.yaml").returncode in (1, 3)


def test_run_with_a_broken_configuration_is_refused(tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text("listeners: [")
    done = run_command("run", "--config", file)
    assert done.returncode == 1 and "broken.yaml:1" in done.stderr + done.stdout


def test_run_on_a_taken_port_fails_and_names_it(tmp_path, edge):
    file = tmp_path / "taken.yaml"
    file.write_text(f"state_directory: {tmp_path}\nlisteners: [{{address: '127.0.0.1:{free_port()}'}}]\n"
                    f"admin: {{address: '127.0.0.1:{edge.admin_port}'}}\n")
    done = run_command("run", "--config", file)
    assert done.returncode not in (0, 2) and str(edge.admin_port) in done.stderr


@pytest.mark.parametrize("command", ["certs", "routes", "backends", "status"])
def test_tables_cannot_be_had_from_nobody(command):
    assert run_command(command, "--admin", f"127.0.0.1:{free_port()}").returncode == 3


def test_tables_show_what_is_served(edge, backend, pair):
    assert "www.example.com" in edge.command("certs", check=0).stdout
    assert "app" in edge.command("routes", check=0).stdout
    assert backend.address in edge.command("backends", check=0).stdout
    assert edge.command("status", check=0).stdout.strip()
    for command in ("certs", "routes", "backends", "status"):
        plain = edge.command(command, check=0).stdout
        assert "\x1b" not in plain, "colour in a pipe"
        assert json.loads(edge.command(command, "--output", "json", check=0).stdout) is not None


def test_the_edge_answers_curl_by_http1_and_http2(edge, ca):
    for option, version in (("--http1.1", "1.1"), ("--http2", "2")):
        assert curl(edge, "/echo", option, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", ca=ca) == f"{version} 200"
