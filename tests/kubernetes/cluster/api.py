"""Api: the Kubernetes API over HTTPS, as little of it as the node agent and the tests need. Watch: what changes, in a thread."""

import http.client
import json
import random
import ssl
import threading
import urllib.parse

GROUPS = {
    "pods": "/api/v1", "services": "/api/v1", "secrets": "/api/v1", "configmaps": "/api/v1", "nodes": "/api/v1",
    "namespaces": "/api/v1", "serviceaccounts": "/api/v1", "events": "/api/v1",
    "deployments": "/apis/apps/v1", "endpointslices": "/apis/discovery.k8s.io/v1",
    "ingresses": "/apis/networking.k8s.io/v1", "leases": "/apis/coordination.k8s.io/v1",
}
MERGE = "application/merge-patch+json"


class ApiError(Exception):
    """An answer other than 2xx. `status` is HTTP's, `reason` is Kubernetes' ("NotFound", "Conflict"…)."""

    def __init__(self, status, body):
        try:
            told = json.loads(body)
        except ValueError:
            told = {}
        self.status, self.reason = status, told.get("reason", "")
        super().__init__(f"{status} {self.reason}: {told.get('message', body[:300])}")


# What a call may end with while the API server is away.
UNREACHABLE = (OSError, http.client.HTTPException)


def path_of(resource, namespace=None, name=None, part=None):
    """path_of("pods", "default", "a", "status") -> /api/v1/namespaces/default/pods/a/status"""
    words = [GROUPS[resource]]
    if namespace:
        words += ["namespaces", namespace]
    words += [word for word in (resource, name, part) if word]
    return "/".join(words)


class Api:
    """Keeps one connection for each thread. `identity` gives (port, CA file, (certificate, key) or None, token or None) anew for
    each connection: all of it may change under a running test."""

    def __init__(self, identity):
        self._identity = identity
        self._local = threading.local()

    def connect(self, timeout=10):
        port, trust, pair, token = self._identity()
        context = ssl.create_default_context(cafile=str(trust))
        if pair:
            context.load_cert_chain(*map(str, pair))
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
        connection.headers_of_all = {"Authorization": f"Bearer {token}"} if token else {}
        connection.connect()
        return connection

    def call(self, method, path, body=None, content="application/json"):
        """The answer's JSON. Raises ApiError, or one of UNREACHABLE."""
        for fresh in (False, True):
            connection = None if fresh else getattr(self._local, "connection", None)
            try:
                connection = connection or self.connect()
                self._local.connection = connection
                connection.request(method, path, None if body is None else json.dumps(body),
                                   {"Content-Type": content, "Accept": "application/json", **connection.headers_of_all})
                answer = connection.getresponse()
                text = answer.read()
                break
            except UNREACHABLE:
                self._local.connection = None
                if connection:
                    connection.close()
                # One kept for long may have been closed by the server: that is no failure yet.
                if fresh:
                    raise
        if answer.status >= 300:
            raise ApiError(answer.status, text.decode(errors="replace"))
        return json.loads(text) if text else {}

    def get(self, resource, namespace=None, name=None, **query):
        question = "?" + urllib.parse.urlencode(query) if query else ""
        return self.call("GET", path_of(resource, namespace, name) + question)

    def list(self, resource, namespace=None, **query):
        return self.get(resource, namespace, **query)["items"]

    def find(self, resource, namespace, name):
        """None where it does not exist."""
        try:
            return self.get(resource, namespace, name)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def create(self, resource, body, namespace=None, name=None, part=None):
        return self.call("POST", path_of(resource, namespace, name, part), body)

    def patch(self, resource, namespace, name, body, part=None):
        return self.call("PATCH", path_of(resource, namespace, name, part), body, MERGE)

    def delete(self, resource, namespace, name, **options):
        try:
            return self.call("DELETE", path_of(resource, namespace, name), options)
        except ApiError as error:
            if error.status != 404:
                raise
            return None


class Watch:
    """Calls handle(type, object) in its own thread for what is there, and for each change, until it is closed. Where the API is
    away it asks again; after that, what has gone meanwhile is told as DELETED."""

    def __init__(self, api, resource, handle):
        self._api, self._resource, self._handle = api, resource, handle
        self._known = {}
        self._ended = threading.Event()
        self._connection = None
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"watch {resource}")
        self._thread.start()

    def close(self):
        self._ended.set()
        connection = self._connection
        if connection and connection.sock:
            try:
                connection.sock.shutdown(2)
            except OSError:
                pass
        self._thread.join(10)

    def _run(self):
        while not self._ended.is_set():
            try:
                self._follow(self._list())
                self._ended.wait(0.05)
            except (*UNREACHABLE, ApiError, ValueError):
                self._ended.wait(0.2 + random.random() * 0.3)

    def _tell(self, what, item):
        uid = item["metadata"]["uid"]
        if what == "DELETED":
            self._known.pop(uid, None)
        else:
            self._known[uid] = item
        self._handle(what, item)

    def _list(self):
        answer = self._api.get(self._resource)
        there = {item["metadata"]["uid"]: item for item in answer["items"]}
        for uid in [uid for uid in self._known if uid not in there]:
            self._tell("DELETED", self._known[uid])
        for uid, item in there.items():
            self._tell("MODIFIED" if uid in self._known else "ADDED", item)
        return answer["metadata"]["resourceVersion"]

    def _follow(self, version):
        """Returns where the server ends the watch in good order, so that the list is asked for again."""
        while not self._ended.is_set():
            self._connection = self._api.connect(timeout=90)
            try:
                self._connection.request("GET", f"{path_of(self._resource)}?watch=1&allowWatchBookmarks=true&timeoutSeconds=60"
                                                f"&resourceVersion={version}", headers=self._connection.headers_of_all)
                answer = self._connection.getresponse()
                if answer.status != 200:
                    raise ApiError(answer.status, answer.read().decode(errors="replace"))
                for line in answer:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        self._tell(event["type"], event["object"])
            finally:
                self._connection.close()
