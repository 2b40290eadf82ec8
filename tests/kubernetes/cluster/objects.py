"""Objects of Kubernetes that tests make, as dicts."""


def deployment(name, replicas=1, image="echo", port=8080, container=None, **pod):
    """A Deployment of Pods with one container; `container` and further words of the Pod's spec are added to it."""
    main = {"name": name, "image": image, "ports": [{"name": "http", "containerPort": port}], **(container or {})}
    main.setdefault("readinessProbe", {"httpGet": {"path": "/", "port": port}, "periodSeconds": 1})
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": {"app": name}},
                                  "spec": {"terminationGracePeriodSeconds": 5, **pod, "containers": [main]}}}}


def pod(name, image="echo", container=None, **spec):
    main = {"name": name, "image": image, "ports": [{"name": "http", "containerPort": 8080}], **(container or {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"terminationGracePeriodSeconds": 2, **spec, "containers": [main]}}


def service(name, port=80, target=8080, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": port, "targetPort": target}], **spec}}


def role(name, *rules):
    """rules: (verbs, resources[, group])"""
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name},
            "rules": [{"verbs": list(verbs), "resources": list(resources), "apiGroups": list(group) or [""]}
                      for verbs, resources, *group in rules]}


def role_binding(name, account):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": account}]}


def service_account(name):
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}


def secret(name, kind="Opaque", **data):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": data}


def tls_secret(name, pair):
    """Of a Pair of support.authority."""
    return secret(name, "kubernetes.io/tls", **{"tls.crt": pair.chain.decode(), "tls.key": pair.key.decode()})


def ingress(name, rules=(), tls=(), class_name="sekisho", default=None, annotations=None):
    """rules: (host, path, service[, path type]) each; a host or path of None is left out. tls: (secret, *hosts) each. `default` is
    a service."""
    def to(service):
        service, _, port = service.partition(":")
        return {"service": {"name": service, "port": {"number": int(port or 80)}}}

    by_host = {}
    for host, path, target, *kind in rules:
        by_host.setdefault(host, []).append({"path": path or "/", "pathType": kind[0] if kind else "Prefix", "backend": to(target)})
    spec = {"rules": [{**({"host": host} if host else {}), "http": {"paths": paths}} for host, paths in by_host.items()]}
    if tls:
        spec["tls"] = [{"secretName": name, "hosts": list(hosts)} for name, *hosts in tls]
    if class_name:
        spec["ingressClassName"] = class_name
    if default:
        spec["defaultBackend"] = to(default)
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": name, "annotations": dict(annotations or {})}, "spec": spec}


def ingress_class(name, controller="sekisho.dev/ingress", default=False):
    marks = {"ingressclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name, "annotations": marks},
            "spec": {"controller": controller}}


def app(name, replicas=1, **more):
    """A Deployment of echo Pods that say this name as their title, and a Service in front of it on port 80."""
    environment = [{"name": "TITLE", "value": name}]
    return deployment(name, replicas, container={"env": environment}, **more), service(name)
