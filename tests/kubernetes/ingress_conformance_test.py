"""The five feature tables of ingress-controller-conformance, asked of a running edge: default_backend, host_rules, ingress_class,
load_balancing, path_rules."""

import pytest
from cluster.objects import app, deployment, ingress, ingress_class, service, tls_secret
from support.authority import Authority
from support.edge import eventually


@pytest.fixture(scope="module")
def edge(cluster, tmp_path_factory):
    """One for all tables. Each has a namespace and hosts of its own."""
    from cluster.ingress_edge import IngressEdge
    running = IngressEdge(tmp_path_factory.mktemp("conformance"), cluster.control_plane.admin_kubeconfig)
    yield running
    running.kill()


@pytest.fixture
def backends(kubectl):
    """backends("a", "b") makes Services of these names; all are ports of one Pod, which says by the port who it is."""
    def make(*names):
        ports = {name: 8081 + number for number, name in enumerate(names)}
        words = {"env": [{"name": "PORT", "value": ",".join(map(str, ports.values()))}]}
        # Services of one Pod select it by its label.
        kubectl.apply(deployment("backends", port=8081, container=words),
                      *({**service(name, 80, port), "spec": {"selector": {"app": "backends"},
                                                             "ports": [{"name": "http", "port": 80, "targetPort": port}]}}
                        for name, port in ports.items()))
        kubectl.wait("deployment/backends", "condition=Available")
        return {port: name for name, port in ports.items()}
    return make


def who(edge, ports, host, path):
    """The name of the Service that answers, or the status where none does."""
    answer = edge.curl(host, path)
    return ports[answer.told["port"]] if answer.status == 200 else answer.status


def holds(edge, ports, table):
    """Every row (host, path, name or status) is so; the first is waited for."""
    host, path, right = table[0]
    eventually(lambda: who(edge, ports, host, path) == right, 20, f"{host}{path}: {right}")
    assert [(host, path, who(edge, ports, host, path)) for host, path, _ in table] == table


# ---- host_rules


def test_host_rules(edge, kubectl, backends):
    authority = Authority()
    pair = authority.issue("*.foo.com", "foo.bar.com")
    ports = backends("wildcard-foo-com", "foo-bar-com")
    kubectl.apply(tls_secret("conformance-tls", pair),
                  ingress("host-rules", [("*.foo.com", "/", "wildcard-foo-com"), ("foo.bar.com", "/", "foo-bar-com")],
                          tls=[("conformance-tls", "*.foo.com", "foo.bar.com")]))
    holds(edge, ports, [("foo.bar.com", "/", "foo-bar-com"), ("bar.foo.com", "/", "wildcard-foo-com"), ("baz.bar.foo.com", "/", 404),
                        ("foo.com", "/", 404), ("subdomain.bar.com", "/", 404)])
    told = edge.curl("bar.foo.com", "/").told
    assert (told["method"], told["host"], told["headers"]["x-forwarded-proto"]) == ("GET", "bar.foo.com", "https")
    for name in ("foo.bar.com", "bar.foo.com"):
        edge.shows(name, pair)
    for name in ("baz.bar.foo.com", "foo.com", "subdomain.bar.com"):
        assert edge.shown(name).serial_number != pair.serial


# ---- path_rules


def test_path_rules(edge, kubectl, backends):
    names = ("foo-exact", "foo-prefix", "aaa-slash-bbb-slash", "foo-slash", "aaa", "aaa-bbb", "root")
    ports = backends(*names)
    kubectl.apply(
        ingress("exact", [("exact.example", "/foo", "foo-exact", "Exact")]),
        ingress("prefix", [("prefix.example", "/foo", "foo-prefix")]),
        ingress("slash", [("slash.example", "/aaa/bbb/", "aaa-slash-bbb-slash"), ("slash.example", "/foo/", "foo-slash")]),
        ingress("mixed", [("mixed.example", "/foo", "foo-prefix"), ("mixed.example", "/foo", "foo-exact", "Exact"),
                          ("mixed.example", "/aaa", "aaa"), ("mixed.example", "/aaa/bbb", "aaa-bbb")]),
        ingress("zroot", [("root.example", "/", "root"), ("root.example", "/aaa", "aaa")]))
    holds(edge, ports, [
        ("root.example", "/ccc", "root"), ("root.example", "/aaa/ccc", "aaa"),
        ("exact.example", "/foo", "foo-exact"), ("exact.example", "/foo/", 404), ("exact.example", "/bar", 404),
        ("exact.example", "/FOO", 404),
        ("prefix.example", "/foo", "foo-prefix"), ("prefix.example", "/foo/", "foo-prefix"), ("prefix.example", "/foo/bar", "foo-prefix"),
        ("prefix.example", "/foobar", 404), ("prefix.example", "/FOO", 404),
        ("slash.example", "/aaa/bbb", "aaa-slash-bbb-slash"), ("slash.example", "/aaa/bbb/", "aaa-slash-bbb-slash"),
        ("slash.example", "/aaa/bbb/ccc", "aaa-slash-bbb-slash"), ("slash.example", "/aaa/bbbxyz", 404), ("slash.example", "/foo", "foo-slash"),
        ("mixed.example", "/foo", "foo-exact"), ("mixed.example", "/foo/", "foo-prefix"), ("mixed.example", "/aaa/bbb/c", "aaa-bbb"),
        ("mixed.example", "/aaa/b", "aaa"), ("mixed.example", "/b", 404)])


# ---- default_backend


def test_default_backend(edge, kubectl, backends):
    ports = backends("echo-service")
    kubectl.apply(ingress("default-backend", default="echo-service"))
    try:
        for host in ("foo.example", "my-host", "example.invalid"):
            holds(edge, ports, [(host, path, "echo-service") for path in ("/", "/sub", "/sub/other?x=1")])
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert edge.curl("foo.example", "/", "--request", method).told["method"] == method
    finally:
        kubectl.delete("ingress/default-backend")  # it takes what all others leave
    edge.answers("foo.example", 404)


# ---- ingress_class


def test_ingress_class(edge, kubectl, cluster, backends, namespace):
    ports = backends("right", "wrong")
    own = f"conformance-{namespace}"
    kubectl.apply(ingress_class(own), ingress("right", [("right.example", "/", "right")], class_name=own),
                  ingress("wrong", [("wrong.example", "/", "wrong")], class_name="some-invalid-class-name"))
    holds(edge, ports, [("right.example", "/", "right"), ("wrong.example", "/", 404)])
    assert "loadBalancer" not in kubectl.get("ingress/wrong")["status"] or not kubectl.get("ingress/wrong")["status"]["loadBalancer"]
    cluster.kubectl.delete(f"ingressclass/{own}")


# ---- load_balancing


@pytest.mark.slow
def test_load_balancing(edge, kubectl):
    kubectl.apply(*app("ten", replicas=10), ingress("balanced", [("load-balancing.example", "/", "ten")]))
    kubectl("rollout", "status", "deployment/ten", "--timeout=100s")
    edge.serves("load-balancing.example", title="ten")

    def pods():
        return {edge.curl("load-balancing.example").told["pod"] for _ in range(40)}
    eventually(lambda: len(pods()) == 10, 60, "ten Pods answer")
