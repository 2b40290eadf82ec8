"""TLS sessions with several replicas of sekisho ingress: ticket keys come from a Secret that all of them share."""

import base64
import itertools

import pytest
from cluster.objects import app, ingress, tls_secret
from support.authority import Authority
from support.client import s_client
from support.edge import eventually

HOST = "www.example.com"
REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()


@pytest.fixture
def two(run_ingress, kubectl, namespace):
    """Two replicas without a state directory."""
    pair = Authority().issue(HOST)
    kubectl.apply(*app("app"), tls_secret("tls", pair), ingress("web", [(HOST, "/", "app")], tls=[("tls", HOST)]))
    edges = [run_ingress("--namespace", namespace, settings={"tls": {"tickets": {"rotation": "1h"}}}) for _ in range(2)]
    for edge in edges:
        edge.serves(HOST, title="app")
    return edges


def keys(kubectl):
    """(name, text) of the Secret of ticket keys; None: there is none."""
    found = [(each["metadata"]["name"], base64.b64decode(each.get("data", {}).get("ticket-keys", "")).decode())
             for each in kubectl.get("secrets", "-l", "sekisho.io/record=ticket-keys")["items"]]
    assert len(found) < 2, found
    return found[0] if found else None


def session(edge, version, file):
    code, text = s_client(edge, version, "-sess_out", str(file), "-ign_eof", send=REQUEST)
    assert code == 0 and file.exists(), text
    return file


def resumes(edge, version, file):
    return "Reused, TLS" in s_client(edge, version, "-sess_in", str(file), "-ign_eof", send=REQUEST)[1]


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_go_on_at_another_replica_and_after_all_were_replaced(two, kubectl, tmp_path, version):
    one, other = two
    file = session(one, version, tmp_path / "session.pem")
    assert resumes(other, version, file)
    for edge in two:  # a rolling restart
        edge.stop()
        edge.start()
    for edge in two:
        assert resumes(edge, version, file)
        assert edge.metric("sekisho_ticket_keys_shared") == 1
    secrets = keys(kubectl)[1].split()
    for edge, word in itertools.product(two, secrets):
        assert len(word) < 32 or word not in edge.stderr + edge.admin("/metrics")[1] + edge.admin("/api/status")[1]


def test_a_rotation_reaches_all_and_is_written_once(run_ingress, kubectl, namespace, tmp_path):
    edges = [run_ingress("--namespace", namespace, settings={"tls": {"tickets": {"rotation": "3s"}}}) for _ in range(3)]
    first = eventually(lambda: keys(kubectl))[1]
    newer = eventually(lambda: (text := keys(kubectl)[1]).count("\n") == 4 and text, 20)
    assert first.splitlines()[1] in newer.splitlines(), "the key that was next is one that is used now"
    file = session(edges[0], "-tls1_3", tmp_path / "session.pem")
    assert resumes(edges[1], "-tls1_3", file) and resumes(edges[2], "-tls1_3", file)

    def writes(outcome):
        return sum(edge.metric("sekisho_ticket_key_writes_total", outcome=outcome) for edge in edges)
    eventually(lambda: writes("good") >= 4, 20)
    assert writes("failed") == 0


def test_a_secret_with_something_else_in_it_changes_nothing_that_is_served(two, kubectl, tmp_path):
    one, other = two
    name, before = keys(kubectl)
    file = session(one, "-tls1_3", tmp_path / "session.pem")
    kubectl.patch("secret", name, {"stringData": {"ticket-keys": "edited by somebody"}})
    for edge in two:
        eventually(lambda edge=edge: any("ticket keys in use stay" in each for each in edge.readiness()["warnings"]))
        assert edge.admin("/readyz")[0] == 200 and edge.metric("sekisho_ticket_keys_shared") == 0
        assert "edited by somebody" not in edge.stderr
    assert resumes(one, "-tls1_3", file) and resumes(other, "-tls1_3", file)
    kubectl.patch("secret", name, {"stringData": {"ticket-keys": before}})
    for edge in two:
        eventually(lambda edge=edge: edge.metric("sekisho_ticket_keys_shared") == 1)
        eventually(lambda edge=edge: not edge.readiness()["warnings"])
    # Who deletes it is rid of all keys.
    kubectl.delete(f"secret/{name}")
    eventually(lambda: (now := keys(kubectl)) and now[1] != before)
    for edge in two:
        eventually(lambda edge=edge: not resumes(edge, "-tls1_3", file))


@pytest.mark.slow
def test_while_the_api_is_away_sessions_go_on(own_cluster, run_outside, tmp_path):
    kubectl = own_cluster.kubectl.within("default")
    kubectl.apply(*app("app"), tls_secret("tls", Authority().issue(HOST)), ingress("web", [(HOST, "/", "app")], tls=[("tls", HOST)]))
    one, other = run_outside(own_cluster), run_outside(own_cluster)
    for edge in (one, other):
        edge.serves(HOST, title="app")
    own_cluster.stop_apiserver()
    file = session(one, "-tls1_3", tmp_path / "session.pem")
    assert resumes(other, "-tls1_3", file)
    assert other.metric("sekisho_ticket_keys_shared") == 1


@pytest.fixture
def run_outside(tmp_path):
    """run_outside(cluster) is a replica of a cluster of the test's own."""
    from cluster.ingress_edge import IngressEdge
    edges = []

    def run(cluster):
        edges.append(IngressEdge(tmp_path / f"edge-{len(edges)}", cluster.control_plane.admin_kubeconfig, namespace="default"))
        return edges[-1]
    yield run
    for edge in edges:
        edge.kill()
