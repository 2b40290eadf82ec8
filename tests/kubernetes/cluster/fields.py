"""What a container is told by its environment: fields of its Pod, keys of Secrets and ConfigMaps, and $(NAME) in its words."""

import base64
import re

from .not_yet import NotYet


def field_of(pod, path):
    """The field of a Pod that a fieldRef names; "" where it has no value."""
    known = {
        "metadata.name": pod.name, "metadata.namespace": pod.namespace, "metadata.uid": pod.uid,
        "spec.nodeName": pod.spec.get("nodeName", ""), "spec.serviceAccountName": pod.spec.get("serviceAccountName", ""),
        "status.podIP": pod.address, "status.podIPs": pod.address, "status.hostIP": pod.host, "status.hostIPs": pod.host,
    }
    if path in known:
        return known[path]
    if match := re.fullmatch(r"metadata\.(labels|annotations)(?:\['([^']+)'\])?", path):
        have = pod.object["metadata"].get(match[1]) or {}
        return have.get(match[2], "") if match[2] else "\n".join(f'{key}="{value}"' for key, value in sorted(have.items()))
    raise ValueError(f"a field that is unknown here: {path}")


def expanded(text, environment):
    """$(NAME) replaced where the name is known; $$(NAME) is the way to write it as it stands."""
    return re.sub(r"\$(\$\([\w.-]+\))|\$\(([\w.-]+)\)",
                  lambda match: match[1] or environment.get(match[2], match[0]), text)


def environment_of(pod, container, api):
    """{name: value} by the rules of Kubernetes. Raises NotYet where a Secret or ConfigMap is missing."""
    def keys(resource, source):
        found = api.find(resource, pod.namespace, source["name"])
        if found is None and not source.get("optional"):
            raise NotYet("CreateContainerConfigError", f"{resource} \"{source['name']}\" not found")
        values = (found or {}).get("data") or {}
        return {key: base64.b64decode(value).decode() if resource == "secrets" else value for key, value in values.items()}

    result = {}
    for source in container.get("envFrom") or []:
        for word, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
            if word in source:
                result |= {source.get("prefix", "") + key: value for key, value in keys(resource, source[word]).items()}
    for variable in container.get("env") or []:
        origin = variable.get("valueFrom") or {}
        if "fieldRef" in origin:
            result[variable["name"]] = field_of(pod, origin["fieldRef"]["fieldPath"])
            continue
        for word, resource in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
            if word in origin:
                found = keys(resource, origin[word])
                if origin[word]["key"] in found:
                    result[variable["name"]] = found[origin[word]["key"]]
                elif not origin[word].get("optional"):
                    raise NotYet("CreateContainerConfigError", f"couldn't find key {origin[word]['key']}")
        if not origin:
            result[variable["name"]] = expanded(variable.get("value", ""), result)
    return result
