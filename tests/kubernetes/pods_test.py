"""The node agent: Pods as processes, their probes, volumes, variables and ends; endpoints and load balancers that lead to them."""

import json
import ssl
import urllib.request

import pytest
from cluster.objects import deployment, pod, secret, service
from support.edge import eventually


def asked(address, path="/", port=8080):
    with urllib.request.urlopen(f"http://{address}:{port}{path}", timeout=10) as answer:
        return json.load(answer)


def endpoints(cluster, namespace, name, condition="ready"):
    """Sorted addresses of the endpoints for which this condition holds."""
    return sorted(address for found in cluster.api.list("endpointslices", namespace)
                  if found["metadata"]["labels"].get("kubernetes.io/service-name") == name
                  for endpoint in found.get("endpoints") or [] if endpoint["conditions"].get(condition)
                  for address in endpoint["addresses"])


def waiting(kubectl, name):
    """Why the Pod's container waits."""
    status = kubectl.get("pod", name)["status"].get("containerStatuses") or [{}]
    return status[0].get("state", {}).get("waiting", {}).get("reason")


def test_a_pod_of_an_unknown_image_stays_pending_and_says_why(kubectl):
    kubectl.apply(pod("strange", image="registry.example/nowhere:v1"))
    eventually(lambda: waiting(kubectl, "strange") == "ErrImagePull")
    assert kubectl.get("pod", "strange")["status"]["phase"] == "Pending"


def test_a_pod_waits_for_its_secret_and_then_runs(kubectl, namespace, cluster):
    kubectl.apply(pod("late", volumes=[{"name": "v", "secret": {"secretName": "absent"}}]))
    eventually(lambda: waiting(kubectl, "late") == "ContainerCreating")
    kubectl.apply(secret("absent", word="text"))
    kubectl.wait("pod/late", "condition=Ready")


def test_a_pod_waits_for_a_csi_driver_that_nobody_has(kubectl):
    kubectl.apply(pod("csi", volumes=[{"name": "v", "csi": {"driver": "secrets-store.csi.k8s.io"}}]))
    eventually(lambda: waiting(kubectl, "csi") == "ContainerCreating")


def test_what_fails_its_readiness_is_no_ready_endpoint(cluster, kubectl, namespace):
    failing = {"readinessProbe": {"httpGet": {"path": "/status/503", "port": "http"}, "periodSeconds": 1}}
    kubectl.apply(deployment("sick", container=failing), service("sick"))
    kubectl.wait("deployment/sick", "jsonpath={.status.unavailableReplicas}=1")
    eventually(lambda: [running for running in cluster.node.pods(namespace) if running.process])
    running = cluster.node.pods(namespace)[0]
    eventually(lambda: endpoints(cluster, namespace, "sick", "serving") == []
               and asked(running.address)["pod"] == running.name)
    assert endpoints(cluster, namespace, "sick") == []


def test_a_killed_process_is_started_again_and_counted(cluster, kubectl, namespace):
    kubectl.apply(pod("mortal"))
    kubectl.wait("pod/mortal", "condition=Ready")
    cluster.node.pod(namespace, "mortal").kill()
    eventually(lambda: kubectl.get("pod", "mortal")["status"]["containerStatuses"][0]["restartCount"] == 1)
    kubectl.wait("pod/mortal", "condition=Ready")


def test_a_failing_liveness_probe_restarts(kubectl):
    probe = {"exec": {"command": ["test", "-e", "/alive/file"]}, "periodSeconds": 1, "failureThreshold": 1}
    kubectl.apply(pod("unwell", container={"livenessProbe": probe, "volumeMounts": [{"name": "v", "mountPath": "/alive"}]},
                      volumes=[{"name": "v", "emptyDir": {}}]))
    eventually(lambda: kubectl.get("pod", "unwell")["status"]["containerStatuses"][0]["restartCount"] >= 1, 20)


def test_ten_replicas_have_ten_addresses_and_real_endpoints(cluster, kubectl, namespace):
    kubectl.apply(deployment("many", replicas=10), service("many"))
    kubectl("rollout", "status", "deployment/many", "--timeout=60s")
    addresses = eventually(lambda: len(found := endpoints(cluster, namespace, "many")) == 10 and found)
    assert all(address.startswith("127.") for address in addresses)
    names = {asked(address)["pod"] for address in addresses}
    assert len(names) == 10
    assert names == {item["metadata"]["name"] for item in kubectl.get("pods", "-l", "app=many")["items"]}


def test_a_load_balancer_has_an_address_that_leads_to_every_pod(cluster, kubectl, namespace):
    kubectl.apply(deployment("app", replicas=2), service("app", port=8081, type="LoadBalancer"))
    kubectl.wait("deployment/app", "condition=Available")
    address = eventually(lambda: (kubectl.get("service", "app")["status"]["loadBalancer"].get("ingress") or [{}])[0].get("ip"))
    eventually(lambda: len({asked(address, port=8081)["pod"] for _ in range(8)}) == 2)


def test_a_pod_knows_its_fields_secrets_and_configuration(cluster, kubectl, namespace):
    kubectl.apply(secret("words", word="text"), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
                                                 "data": {"file.txt": "first", "other": "more"}})
    script = 'echo "$WHO $WORD $1 $2"; cat /etc/settings/file.txt; echo; cat /etc/info/labels'
    kubectl.apply(pod("told", image="shell", restartPolicy="Never", container={
        "args": ["-c", script, "sh", "$(WHO)@$(WHERE)", "$$(WHO)"], "ports": [],
        "env": [{"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "words", "key": "word"}}}],
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/settings"}, {"name": "info", "mountPath": "/etc/info"}]},
        volumes=[{"name": "settings", "configMap": {"name": "settings", "items": [{"key": "file.txt", "path": "file.txt"}]}},
                 {"name": "info", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}]))
    running = eventually(lambda: cluster.node.pod(namespace, "told"))
    kubectl.wait("pod/told", "jsonpath={.status.phase}=Succeeded")
    assert running.log.split("\n")[:3] == [f"told text told@{namespace} $(WHO)", "first", 'app="told"']


def test_a_changed_configuration_is_swapped_in_one_step(cluster, kubectl, namespace):
    source = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1", "b": "1"}}
    kubectl.apply(source, pod("reader", container={"volumeMounts": [{"name": "v", "mountPath": "/etc/settings"}]},
                              volumes=[{"name": "v", "configMap": {"name": "settings"}}]))
    kubectl.wait("pod/reader", "condition=Ready")
    folder = cluster.node.pod(namespace, "reader").mounted("/etc/settings")
    before = (folder / "..data").resolve()
    kubectl.apply({**source, "data": {"a": "2", "c": "2"}})
    eventually(lambda: (folder / "..data").resolve() != before)
    # The links that lead nowhere any more go after the swap.
    eventually(lambda: sorted(path.name for path in folder.iterdir() if not path.name.startswith("..")) == ["a", "c"])
    assert (folder / "a").read_text() + (folder / "c").read_text() == "22"


def test_a_pod_may_ask_the_api_with_the_token_and_authority_in_its_folder(cluster, kubectl, namespace):
    kubectl.apply(pod("asker"))
    kubectl.wait("pod/asker", "condition=Ready")
    folder = cluster.node.pod(namespace, "asker").mounted("/var/run/secrets/kubernetes.io/serviceaccount")
    assert (folder / "namespace").read_text() == namespace
    request = urllib.request.Request(f"https://127.0.0.1:{cluster.control_plane.port}/version",
                                     headers={"Authorization": "Bearer " + (folder / "token").read_text()})
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=folder / "ca.crt")) as answer:
        assert json.load(answer)["major"] == "1"


def test_a_token_is_replaced_before_it_ends(cluster, kubectl, namespace):
    kubectl.apply(pod("asker"))
    kubectl.wait("pod/asker", "condition=Ready")
    running = cluster.node.pod(namespace, "asker")
    token = running.mounted("/var/run/secrets/kubernetes.io/serviceaccount") / "token"
    before = token.read_text()
    running.refresh(tokens=True)
    eventually(lambda: token.read_text() != before)


def test_a_deleted_pod_is_asked_to_end_and_leaves_its_endpoints_first(cluster, kubectl, namespace):
    slow = {"env": [{"name": "LINGER", "value": "4"}]}
    kubectl.apply(deployment("leaving", container=slow), service("leaving"))
    kubectl.wait("deployment/leaving", "condition=Available")
    address = eventually(lambda: endpoints(cluster, namespace, "leaving"))[0]
    running = cluster.node.pods(namespace)[0]
    kubectl("scale", "deployment/leaving", "--replicas=0")
    eventually(lambda: endpoints(cluster, namespace, "leaving", "terminating") == [address])
    assert endpoints(cluster, namespace, "leaving") == []
    assert asked(address)["pod"] == running.name
    kubectl.wait(f"pod/{running.name}", "delete")
    assert running.process.returncode == 0


def test_what_ignores_the_request_to_end_is_killed_after_its_grace(cluster, kubectl, namespace):
    kubectl.apply(pod("stubborn", image="shell", terminationGracePeriodSeconds=1, container={
        "command": ["sh", "-c", "trap '' TERM; while :; do read -t 1 x; sleep 0.1; done"], "ports": []}))
    kubectl.wait("pod/stubborn", "condition=Ready")
    running = cluster.node.pod(namespace, "stubborn")
    kubectl.delete("pod/stubborn")
    assert running.process.returncode == -9


def test_init_containers_run_first_and_hooks_run_before_the_end(cluster, kubectl, namespace, tmp_path):
    seen = tmp_path / "seen"
    kubectl.apply(pod("staged", initContainers=[{"name": "first", "image": "shell", "args": ["-c", f"echo init >>{seen}"]}],
                      container={"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", f"echo stop >>{seen}"]}}}}))
    kubectl.wait("pod/staged", "condition=Ready")
    assert seen.read_text() == "init\n"
    kubectl.delete("pod/staged")
    assert seen.read_text() == "init\nstop\n"


@pytest.mark.slow
def test_pods_live_through_an_outage_of_the_api_and_a_new_authority(own_cluster):
    cluster, namespace = own_cluster, own_cluster.new_namespace()
    kubectl = cluster.kubectl.within(namespace)
    kubectl.apply(deployment("steady", replicas=2), service("steady"))
    kubectl.wait("deployment/steady", "condition=Available")
    addresses = eventually(lambda: len(found := endpoints(cluster, namespace, "steady")) == 2 and found)
    pids = {running.process.pid for running in cluster.node.pods(namespace)}

    cluster.stop_apiserver()
    assert all(asked(address)["pod"] for address in addresses)
    cluster.start_apiserver()
    eventually(lambda: endpoints(cluster, namespace, "steady") == addresses, 20)

    old = cluster.node.pods(namespace)[0].mounted("/var/run/secrets/kubernetes.io/serviceaccount")
    token, authority = (old / "token").read_text(), (old / "ca.crt").read_text()
    cluster.replace_authority()
    eventually(lambda: (old / "token").read_text() != token and (old / "ca.crt").read_text() != authority, 30)
    eventually(lambda: endpoints(cluster, namespace, "steady") == addresses, 20)
    assert {running.process.pid for running in cluster.node.pods(namespace)} == pids
    kubectl.apply(deployment("later"))
    kubectl.wait("deployment/later", "condition=Available")
