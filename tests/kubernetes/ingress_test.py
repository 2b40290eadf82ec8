"""sekisho ingress against a real API: Ingresses, Services, Pods and Secrets become what clients are served."""

import pytest
from cluster.load import Load
from cluster.objects import app, ingress, ingress_class, secret, tls_secret
from support.authority import Authority
from support.edge import eventually


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def edge(run_ingress, namespace):
    """One that serves the test's namespace alone."""
    return run_ingress("--namespace", namespace)


@pytest.fixture
def two_apps(kubectl):
    kubectl.apply(*app("app1"), *app("app2"))
    for name in ("app1", "app2"):
        kubectl.wait(f"deployment/{name}", "condition=Available")


def events(kubectl, about):
    """(reason, message) of each Event on this object."""
    return [(each["reason"], each["message"]) for each in kubectl.get("events")["items"] if each["involvedObject"]["name"] == about]


def told(kubectl, about, reason):
    return eventually(lambda: next((text for why, text in events(kubectl, about) if why == reason), None), 20, f"{about}: {reason}")


# ---- routes


def test_an_ingress_leads_to_its_services_by_path_over_its_own_certificate(edge, kubectl, authority, two_apps):
    pair = authority.issue("www.example.com")
    kubectl.apply(tls_secret("web-tls", pair), ingress("web", [("www.example.com", "/app1", "app1"), ("www.example.com", "/app2", "app2")],
                                                       tls=[("web-tls", "www.example.com")]))
    edge.shows("www.example.com", pair)
    assert edge.serves("www.example.com", "/app1", "app1").version == "2"
    assert edge.serves("www.example.com", "/app2/deeper", "app2").told["target"] == "/app2/deeper"
    assert edge.curl("www.example.com", "/other").status == 404
    plain = edge.curl("www.example.com", "/app1?x=1", tls=False)
    assert (plain.status, plain.headers["location"]) == (308, "https://www.example.com/app1?x=1")


def test_it_follows_what_is_changed_and_taken_away(edge, kubectl, two_apps):
    kubectl.apply(ingress("web", [("www.example.com", "/", "app1")]))
    edge.serves("www.example.com", title="app1")
    kubectl.apply(ingress("web", [("www.example.com", "/", "app2")]))
    edge.serves("www.example.com", title="app2")
    kubectl.delete("ingress/web")
    edge.answers("www.example.com", 404)


def test_a_wildcard_host_is_for_one_label_and_stands_back_behind_an_exact_one(edge, kubectl, authority, two_apps):
    pair = authority.issue("*.example.com")
    kubectl.apply(tls_secret("wild", pair), ingress("wild", [("*.example.com", "/", "app1")], tls=[("wild", "*.example.com")]),
                  ingress("exact", [("www.example.com", "/", "app2")]))
    edge.serves("any.example.com", title="app1")
    edge.serves("www.example.com", title="app2")
    edge.shows("any.example.com", pair)
    assert edge.shown("a.b.example.com").serial_number != pair.serial
    assert [edge.curl(host).status for host in ("example.com", "a.b.example.com")] == [404, 404]


def test_what_no_ingress_wants_goes_to_the_default_backend(run_ingress, namespace, kubectl, two_apps):
    edge = run_ingress("--namespace", namespace, "--default-backend", f"{namespace}/app2:80")
    kubectl.apply(ingress("web", [("www.example.com", "/app1", "app1")]))
    edge.serves("www.example.com", "/app1", "app1")
    edge.serves("www.example.com", "/other", "app2")
    edge.serves("nobody.example.net", title="app2")


def test_only_ingresses_of_its_classes_are_served(run_ingress, cluster, kubectl, two_apps, namespace):
    ours, others = f"ours-{namespace}", f"others-{namespace}"
    kubectl.apply(ingress_class(ours), ingress_class(others, controller="example.com/other"))
    edge = run_ingress("--class", "taken-over")
    kubectl.apply(ingress("ours", [("ours.example.com", "/", "app1")], class_name=ours),
                  ingress("others", [("others.example.com", "/", "app1")], class_name=others),
                  ingress("taken", [("taken.example.com", "/", "app1")], class_name="taken-over"),
                  ingress("old", [("old.example.com", "/", "app2")], class_name=None,
                          annotations={"kubernetes.io/ingress.class": "taken-over"}),
                  ingress("none", [("none.example.com", "/", "app1")], class_name=None))
    for host, title in (("ours", "app1"), ("taken", "app1"), ("old", "app2")):
        edge.serves(f"{host}.example.com", title=title)
    assert [edge.curl(f"{host}.example.com").status for host in ("others", "none")] == [404, 404]
    # The class changes hands, and its Ingresses with it.
    kubectl.delete(f"ingressclass/{others}")
    kubectl.apply(ingress_class(others))
    edge.serves("others.example.com", title="app1")
    cluster.kubectl.delete(f"ingressclass/{ours}", f"ingressclass/{others}")


def test_of_two_ingresses_that_claim_the_same_the_older_wins_and_the_other_is_told(edge, kubectl, two_apps):
    kubectl.apply(ingress("first", [("www.example.com", "/", "app1")]))
    edge.serves("www.example.com", title="app1")
    # Ages are counted in seconds.
    born = kubectl.get("ingress/first")["metadata"]["creationTimestamp"]

    def younger():
        kubectl.delete("ingress/second")
        kubectl.apply(ingress("second", [("www.example.com", "/", "app2"), ("www.example.com", "/free", "app2")]))
        return kubectl.get("ingress/second")["metadata"]["creationTimestamp"] > born
    eventually(younger)
    edge.serves("www.example.com", "/free", "app2")
    assert edge.curl("www.example.com").told["title"] == "app1"
    assert "first" in told(kubectl, "second", "HostPathTaken")
    kubectl.delete("ingress/first")
    edge.serves("www.example.com", title="app2")


# ---- certificates


def test_a_bad_secret_touches_its_own_host_alone_and_its_owner_is_told(edge, kubectl, authority, two_apps):
    good, other = authority.issue("good.example.com"), authority.issue("bad.example.com")
    mismatched = secret("bad-tls", "kubernetes.io/tls", **{"tls.crt": other.chain.decode(), "tls.key": good.key.decode()})
    kubectl.apply(tls_secret("good-tls", good), mismatched,
                  ingress("good", [("good.example.com", "/", "app1")], tls=[("good-tls", "good.example.com")]),
                  ingress("bad", [("bad.example.com", "/", "app2")], tls=[("bad-tls", "bad.example.com")]))
    edge.shows("good.example.com", good)
    assert edge.serves("bad.example.com", title="app2")
    assert edge.shown("bad.example.com").serial_number == edge.shown("nobody.example.net").serial_number
    assert "bad-tls" in told(kubectl, "bad", "InvalidSecret")
    eventually(lambda: edge.metric("sekisho_kube_notices", reason="InvalidSecret") == 1)
    assert edge.metric("x509_cert_not_after", secret_name="good-tls") == good.leaf.not_valid_after_utc.timestamp()
    assert "bad-tls" in edge.command("certs").stdout
    # Mended, it is shown; broken again, the last good one stays.
    kubectl.apply(tls_secret("bad-tls", other))
    edge.shows("bad.example.com", other)
    kubectl.apply(mismatched)
    eventually(lambda: edge.metric("sekisho_kube_notices", reason="InvalidSecret") == 1)
    assert edge.shown("bad.example.com").serial_number == other.serial


def test_a_secret_of_another_namespace_is_not_shown_for_a_host_that_is_taken(run_ingress, cluster, kubectl, namespace, authority, two_apps):
    name = f"www.{namespace}.example.com"
    owner, thief = authority.issue(name), authority.issue(name)
    edge = run_ingress()
    kubectl.apply(tls_secret("tls", owner), ingress("web", [(name, "/", "app1")], tls=[("tls", name)]))
    edge.shows(name, owner)
    elsewhere = cluster.new_namespace()
    there = cluster.kubectl.within(elsewhere)
    born = kubectl.get("ingress/web")["metadata"]["creationTimestamp"]

    def younger():
        there.delete("ingress/web")
        there.apply(tls_secret("tls", thief), ingress("web", [(name, "/stolen", "app1")], tls=[("tls", name)]))
        return there.get("ingress/web")["metadata"]["creationTimestamp"] > born
    eventually(younger)
    assert name in told(there, "web", "TLSHostTaken")
    assert edge.shown(name).serial_number == owner.serial
    cluster.drop_namespace(elsewhere)


def test_certificates_are_replaced_under_load_without_a_failed_request(edge, kubectl, authority, two_apps):
    pairs = [authority.issue("www.example.com") for _ in range(8)]
    kubectl.apply(tls_secret("tls", pairs[0]), ingress("web", [("www.example.com", "/", "app1")], tls=[("tls", "www.example.com")]))
    edge.shows("www.example.com", pairs[0])
    edge.serves("www.example.com", title="app1")
    with Load(edge.port, "www.example.com") as load:
        for pair in pairs[1:]:
            kubectl.apply(tls_secret("tls", pair))
            edge.shows("www.example.com", pair)
    assert not load.failures, load.failures[:5]
    assert load.done > 100


# ---- endpoints


def test_without_endpoints_it_is_503_until_they_are_back(edge, kubectl, two_apps):
    kubectl.apply(ingress("web", [("www.example.com", "/", "app1"), ("www.example.com", "/2", "app2")]))
    edge.serves("www.example.com", title="app1")
    kubectl("scale", "deployment/app1", "--replicas=0")
    edge.answers("www.example.com", 503)
    assert edge.curl("www.example.com", "/2").status == 200
    told(kubectl, "web", "NoEndpoints")
    kubectl("scale", "deployment/app1", "--replicas=1")
    edge.serves("www.example.com", title="app1")


def test_pods_are_replaced_under_load_without_a_failed_request(edge, kubectl):
    kubectl.apply(*app("app", replicas=3), ingress("web", [("www.example.com", "/", "app")]))
    kubectl.wait("deployment/app", "condition=Available")
    edge.serves("www.example.com", title="app")
    before = {each["metadata"]["name"] for each in kubectl.get("pods")["items"]}
    with Load(edge.port, "www.example.com") as load:
        kubectl("rollout", "restart", "deployment/app")
        kubectl("rollout", "status", "deployment/app", "--timeout=60s")
        eventually(lambda: not before & {each["metadata"]["name"] for each in kubectl.get("pods")["items"]}, 30)
    assert not load.failures, load.failures[:5]
    assert load.done > 100


# ---- what people see


def test_status_says_where_an_ingress_is_reached(run_ingress, kubectl, namespace, two_apps):
    edge = run_ingress("--namespace", namespace, "--publish-address", "192.0.2.10", "--publish-address", "edge.example.com")
    kubectl.apply(ingress("web", [("www.example.com", "/", "app1")]), ingress("other", [("o.example.com", "/", "app1")], class_name="other"))

    def addresses(name):
        return kubectl.get(f"ingress/{name}")["status"]["loadBalancer"].get("ingress")
    both = [{"hostname": "edge.example.com"}, {"ip": "192.0.2.10"}]
    eventually(lambda: addresses("web") == both, 30)
    # What others write there is put right.
    kubectl("patch", "ingress", "web", "--subresource=status", "--type=merge",
            "--patch", '{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.99"}]}}}')
    eventually(lambda: addresses("web") == both)
    assert addresses("other") is None
    # The last one that ends takes it away.
    edge.stop()
    assert addresses("web") is None


def test_the_commands_show_the_whole_chain(edge, kubectl, authority, namespace, two_apps):
    pair = authority.issue("www.example.com")
    kubectl.apply(tls_secret("web-tls", pair), ingress("web", [("www.example.com", "/", "app1")], tls=[("web-tls", "www.example.com")]))
    edge.shows("www.example.com", pair)
    edge.serves("www.example.com", title="app1")
    assert f"{namespace}/web www.example.com/" in edge.command("routes", check=0).stdout
    assert f"{namespace}/app1:80" in edge.command("backends", check=0).stdout
    assert f"{namespace}/web-tls" in edge.command("certs", check=0).stdout
    assert edge.command("status", check=0)
    why = edge.command("why", "www.example.com", check=0).stdout
    for part in (f"{namespace}/web-tls", f"{namespace}/web www.example.com/", f"{namespace}/app1:80", ":8080"):
        assert part in why, why


def test_it_refuses_words_that_it_cannot_obey():
    from support.edge import run_command
    for words, said in ((("--publish-service", "sekisho"), "NAMESPACE/NAME"), (("--default-backend", "shop/web"), "NAMESPACE/SERVICE:PORT"),
                        (("--listen", "nowhere"), "--listen"), (("--trusted-proxies", "10.0.0.0/99"), "--trusted-proxies"),
                        (("--namespace", "a", "--publish-service", "b/c"), "namespace a")):
        answer = run_command("ingress", *words, check=2)
        assert said in answer.stderr
    absent = run_command("ingress", "--kubeconfig", "/does/not/exist", check=1)
    assert "cannot start" in absent.stderr
