"""From a name in the configuration to a certificate that is served: every challenge, every kind of issuer."""

import base64
import hashlib
import http.server
import ipaddress
import pathlib
import re
import sys
import threading
import time
import urllib.parse

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from support.acme_world import eventually_said, names_of, said, served, shown
from support.authority import key_pem
from support.client import curl, tls_context, tls_socket
from support.edge import eventually
from support.pebble import NINETY_DAYS, SIX_DAYS, Looking
from support.terminal import Terminal


def test_three_names_by_three_challenges_from_nothing_and_without_a_restart(make_world, run_in):
    world = make_world(zones=("example.test",), faulting=True)
    settings = world.settings("http.example.test")
    settings["certificates"] += [
        {"hosts": ["alpn.example.test"], "issuer": "ca", "challenge": "tls-alpn-01"},
        {"hosts": ["*.wild.example.test", "wild.example.test"], "issuer": "ca", "challenge": "dns-01"},
    ]
    begun = time.monotonic()
    edge = run_in(world, settings)
    process, roots = edge.process.pid, world.roots()
    http = served(edge, "http.example.test", roots)
    alpn = served(edge, "alpn.example.test", roots)
    wild = served(edge, "any.wild.example.test", roots)
    apex = served(edge, "wild.example.test", roots)
    assert time.monotonic() - begun < 30
    assert edge.process.pid == process and edge.process.poll() is None
    assert names_of(http) == ["http.example.test"] and names_of(alpn) == ["alpn.example.test"]
    assert wild == apex and names_of(wild) == ["*.wild.example.test", "wild.example.test"]
    assert len({http.serial_number, alpn.serial_number, wild.serial_number}) == 3
    assert len(world.faults.orders()) == 3
    # Both TXT values stood in one record set, and nothing is left of them.
    eventually(lambda: world.bind9.ask("_acme-challenge.wild.example.test") == [], 20, "cleaned up")
    assert curl(edge, "/", ca=roots, host="http.example.test") == "served"


def test_challenges_are_answered_for_any_host_and_cost_nothing_when_there_is_none(make_world, run_in):
    world = make_world()
    edge = run_in(world, world.settings("www.example.com"))
    served(edge, "www.example.com", world.roots())
    # No route answers here, and no redirect: there is no such token.
    unknown = curl(edge, "/.well-known/acme-challenge/no-such-token", "-o", "/dev/null", "-w", "%{http_code}",
                   scheme="http", host="elsewhere.example.com")
    assert unknown != "500" and int(unknown) < 500
    with pytest.raises(OSError):
        tls_socket(edge.port, name="www.example.com", context=tls_context(alpn=("acme-tls/1",))).close()


def test_the_name_shows_the_local_ca_until_its_certificate_is_there(make_world, run_in):
    world = make_world()
    world.pebble.stop()
    edge = run_in(world, world.settings("www.example.com", certificate={"until_issued": "local_ca"}))
    interim = shown(edge, "www.example.com")
    assert interim is not None and names_of(interim) == ["www.example.com"]
    assert "www.example.com" in said(edge, "certs")


def test_the_name_is_refused_until_its_certificate_is_there(make_world, run_in):
    world = make_world()
    world.pebble.stop()
    edge = run_in(world, world.settings("www.example.com", certificate={"until_issued": "refuse"}))
    assert shown(edge, "www.example.com") is None


def test_one_name_gets_a_certificate_of_each_key_type(make_world, run_in):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("both.example.com", certificate={"key": {"types": ["ecdsa", "rsa"]}}))
    roots = world.roots()
    served(edge, "both.example.com", roots)

    def both():
        one = shown(edge, "both.example.com", roots, "ECDHE-ECDSA-AES128-GCM-SHA256")
        two = shown(edge, "both.example.com", roots, "ECDHE-RSA-AES128-GCM-SHA256")
        return one and two and (one.public_key(), two.public_key())


    first, second = eventually(both, 30)
    assert isinstance(first, ec.EllipticCurvePublicKey) and isinstance(second, rsa.RSAPublicKey)
    assert second.key_size == 2048
    assert len(world.faults.orders("both.example.com")) == 2


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_an_address_gets_a_certificate(make_world, run_in, challenge):
    world = make_world(faulting=True)
    edge = run_in(world, world.settings("127.0.0.1", issuer=world.issuer(challenge=challenge),
                                        certificate={"default": True}))
    leaf = served(edge, "127.0.0.1", world.roots())
    assert names_of(leaf) == [str(ipaddress.ip_address("127.0.0.1"))]
    (order,) = world.faults.orders()
    assert order.payload["identifiers"] == [{"type": "ip", "value": "127.0.0.1"}]


def test_many_names_are_one_certificate(make_world, run_in):
    world = make_world(faulting=True, authorization_reuse=100)
    names = sorted(f"n{i}.example.com" for i in range(8))
    edge = run_in(world, world.settings(*names))
    roots = world.roots()
    assert names_of(served(edge, names[0], roots)) == names
    assert served(edge, names[7], roots) == served(edge, names[0], roots)
    assert len(world.faults.orders(*names)) == 1


@pytest.mark.needs_pebble("profiles")
def test_a_profile_is_asked_for(make_world, run_in):
    world = make_world(faulting=True, profiles={"default": NINETY_DAYS, "shortlived": SIX_DAYS})
    settings = world.settings("long.example.com", issuer=world.issuer(profile="default"))
    settings["certificates"].append({"hosts": ["short.example.com"], "issuer": "ca", "profile": "shortlived"})
    edge = run_in(world, settings)
    roots = world.roots()
    days = lambda leaf: (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds() / 86400  # noqa: E731
    assert days(served(edge, "long.example.com", roots)) == pytest.approx(90, abs=0.1)
    assert days(served(edge, "short.example.com", roots)) == pytest.approx(6, abs=0.1)
    assert world.faults.orders("short.example.com")[0].payload["profile"] == "shortlived"


def test_the_preferred_chain_is_served(make_world, run_in):
    world = make_world(alternate_roots=2)
    wanted = world.pebble.root(2)
    name = wanted.subject.rfc4514_string().removeprefix("CN=")
    edge = run_in(world, world.settings("www.example.com", issuer=world.issuer(preferred_chain=name)))
    only = world.folder / "only.pem"
    only.write_bytes(wanted.public_bytes(Encoding.PEM))
    served(edge, "www.example.com", only)


def test_an_external_account_is_bound(make_world, run_in, tmp_path):
    secret = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    world = make_world(faulting=True, external_accounts={"kid-1": secret})
    (tmp_path / "hmac").write_text(secret + "\n")
    account = {"key_id": "kid-1", "hmac_key_file": str(tmp_path / "hmac")}
    edge = run_in(world, world.settings("www.example.com", issuer=world.issuer(external_account=account)))
    served(edge, "www.example.com", world.roots())
    assert "externalAccountBinding" in world.faults.seen("newAccount", accepted=True)[0].payload
    assert secret not in edge.stderr + edge.stdout + edge.admin("/api/config")[1]


def test_a_ca_that_wants_an_external_account_says_so_in_why(make_world, run_in):
    world = make_world(faulting=True, external_accounts={"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"})
    edge = run_in(world, world.settings("www.example.com"))
    eventually_said(edge, "xternal", "why", "www.example.com")
    assert not world.faults.orders()


def test_a_hook_makes_the_records_and_takes_them_away(make_world, run_in, tmp_path):
    world = make_world(faulting=True)
    hook = tmp_path / "hook.py"
    hook.write_text(f"""#!{sys.executable}
import json, sys, urllib.request
how, name, value = sys.argv[1:4]
with open({str(tmp_path / 'calls')!r}, "a") as calls:
    calls.write(how + " " + name + "\\n")
body = {{"host": name.rstrip(".") + "."}} | ({{"value": value}} if how == "add" else {{}})
place = "http://127.0.0.1:{world.challtestsrv.management_port}/" + ("set-txt" if how == "add" else "clear-txt")
urllib.request.urlopen(place, json.dumps(body).encode())
""")
    hook.chmod(0o755)
    dns = {"exec": {"command": [str(hook)]}, "propagation": {"check": "none"}}
    edge = run_in(world, world.settings("*.hook.example.com", issuer=world.issuer(challenge="dns-01", dns=dns, preflight="warn")))
    served(edge, "a.hook.example.com", world.roots())


    calls = lambda: [line.split()[0] for line in pathlib.Path(tmp_path / "calls").read_text().splitlines()]  # noqa: E731
    eventually(lambda: calls() == ["add", "remove"], what="one record made and taken away")


@pytest.mark.needs_pebble("dns-account-01")
def test_a_record_of_the_account_s_own_is_made_and_taken_away(make_world, run_in):
    world = make_world(zones=("example.test",), faulting=True)
    edge = run_in(world, world.settings("*.wild.example.test", "wild.example.test",
                                        issuer=world.issuer(challenge="dns-account-01")))
    leaf = served(edge, "any.wild.example.test", world.roots())
    assert names_of(leaf) == ["*.wild.example.test", "wild.example.test"]
    (account,) = {e.headers["Location"] for e in world.faults.seen("newAccount", accepted=True)}
    label = base64.b32encode(hashlib.sha256(account.encode()).digest()[:10]).decode().lower()
    updates = [line for line in world.bind9.log.splitlines() if "updating zone" in line and "adding an RR" in line]
    assert len(updates) == 2 and all(f"'_{label}._acme-challenge.wild.example.test'" in line for line in updates), updates
    eventually(lambda: world.bind9.ask(f"_{label}._acme-challenge.wild.example.test") == [], 20, "cleaned up")


@pytest.mark.needs_pebble("dns-persist-01")
def test_a_standing_permission_is_made_once_and_stays(make_world, run_in):
    world = make_world(zones=("example.test",), faulting=True)
    edge = run_in(world, world.settings("*.www.example.test", issuer=world.issuer(challenge="dns-persist-01")))
    roots = world.roots()
    first = served(edge, "any.www.example.test", roots)
    (record,) = world.bind9.ask("_validation-persist.www.example.test")
    (account,) = {e.headers["Location"] for e in world.faults.seen("newAccount", accepted=True)}
    assert f"accounturi={account}" in record and "policy=wildcard" in record
    edge.command("renew", "*.www.example.test", check=0)
    eventually(lambda: shown(edge, "any.www.example.test", roots) != first, 30)
    assert world.bind9.ask("_validation-persist.www.example.test") == [record]


@pytest.mark.needs_pebble("dns-persist-01")
def test_a_standing_permission_is_placed_by_hand_as_why_and_doctor_say(make_world, run_in):
    world = make_world(zones=("example.test",), faulting=True)
    issuer = world.issuer(challenge="dns-persist-01")
    del issuer["acme"]["dns"]
    edge = run_in(world, world.settings("www.example.test", issuer=issuer))
    eventually_said(edge, "_validation-persist.www.example.test does not permit it", "why", "www.example.test")
    found = re.search(r'TXT record "([^"]+)"', said(edge, "doctor"))
    assert not world.faults.orders(), "the CA is not asked in vain"
    world.bind9.update("example.test", ("add", "_validation-persist.www", 60, "TXT", f'"{found[1]}"'))
    edge.command("renew", "www.example.test", check=0)
    served(edge, "www.example.test", world.roots())
    assert "permits it" in said(edge, "doctor")


def test_watching_shows_an_order_as_it_happens(make_world, run_in):
    world = make_world()
    world.pebble.stop()
    edge = run_in(world, world.settings("www.example.com"))
    with Terminal(edge, "certs", "--watch") as terminal:
        terminal.wait_for("www.example.com")
        terminal.wait_for("interim")
        world.pebble.start()
        edge.command("renew", "www.example.com", check=0)
        terminal.wait_for("ordering")
        terminal.wait_for("valid")
        # The table stays in its place.
        assert terminal.text.count("\x1b[H\x1b[2J") >= 3


def test_the_local_issuers_need_nobody(make_world, run_in, authority, tmp_path):
    world = make_world()
    world.pebble.stop()
    authority.write(tmp_path, "issuing.crt")

    (tmp_path / "issuing.key").write_bytes(key_pem(authority._key))
    settings = world.settings("self.example.com", issuer={"self_signed": {"lifetime": "10d"}})
    settings["issuers"]["house"] = {"ca": {"certificate": str(tmp_path / "issuing.crt"), "key": str(tmp_path / "issuing.key"),
                                           "lifetime": "20d"}}
    settings["certificates"].append({"hosts": ["*.house.example.com"], "issuer": "house"})
    edge = run_in(world, settings)
    leaf = served(edge, "a.house.example.com", authority.write(tmp_path))
    lifetime = (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds() / 86400
    assert lifetime == pytest.approx(20, abs=1.1)

    def own():
        found = shown(edge, "self.example.com")
        return found if found and found.issuer == found.subject else None


    assert names_of(eventually(own, 20)) == ["self.example.com"]


class Asked(threading.Thread):
    """An ask URL: 200 for the names it is given, 403 for others."""

    def __init__(self, *allowed):
        super().__init__(daemon=True)
        self.asked = asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("domain", [""])[0]
                asked.append(name)
                self.send_response(200 if name in allowed else 403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/allowed"
        self.start()

    def run(self):
        self.server.serve_forever(0.05)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def test_a_name_is_brought_up_by_the_first_who_asks_for_it(make_world, run_in):
    world = make_world(faulting=True)
    ask = Asked("one.shop.example.com", "two.elsewhere.example.com")
    settings = world.settings(issuer=world.issuer())
    settings["certificates"] = [{"name": "shops", "issuer": "ca",
                                 "on_demand": {"allow": ["*.shop.example.com"], "ask": ask.url}}]
    try:
        edge = run_in(world, settings)
        roots = world.roots()
        begun = time.monotonic()
        shown(edge, "one.shop.example.com")
        assert time.monotonic() - begun < 2, "no handshake waits for a CA"
        assert names_of(served(edge, "one.shop.example.com", roots)) == ["one.shop.example.com"]
        # Not allowed by the pattern, and not by the URL.
        with Looking(lambda: shown(edge, "two.elsewhere.example.com") is None or True, 0.1):
            with Looking(lambda: shown(edge, "bad.shop.example.com") is None or True, 0.1):
                eventually_asked(ask, "bad.shop.example.com")
        assert "two.elsewhere.example.com" not in ask.asked
        assert [order.names for order in world.faults.orders()] == [["one.shop.example.com"]]
    finally:
        ask.close()


def eventually_asked(ask, name):

    eventually(lambda: name in ask.asked, 10)
