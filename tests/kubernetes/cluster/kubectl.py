"""Kubectl: the command, run as somebody, for all that people do by it."""

import json
import os
import subprocess

import yaml
from support.pebble import tool


class KubectlError(AssertionError):
    """It ended with something else than 0; the message is what it said."""


class Kubectl:
    """`kubeconfig` says who asks; `namespace` is where, unless a call says otherwise."""

    def __init__(self, kubeconfig, folder, namespace=None):
        self._kubeconfig, self._folder, self.namespace = kubeconfig, folder, namespace

    def within(self, namespace):
        return Kubectl(self._kubeconfig, self._folder, namespace)

    def run(self, *words, stdin=None, check=True, timeout=120):
        """The finished process; with check=False also of what failed."""
        words = [str(word) for word in words]
        where = ["--namespace", self.namespace] if self.namespace and not {"-n", "-A", "--namespace"} & set(words) else []
        # The cache of discovery is of this cluster alone; HOME keeps it from the developer's own configuration.
        environment = {**os.environ, "KUBECONFIG": str(self._kubeconfig), "HOME": str(self._folder)}
        command = [tool("kubectl"), *where, *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, env=environment)
        if check and done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(words)}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
        return done

    def __call__(self, *words, **options):
        """What it prints."""
        return self.run(*words, **options).stdout

    def apply(self, *objects, **options):
        """Objects as dicts, text of YAML, or paths of files and of kustomizations (folders)."""
        said = ""
        for each in objects:
            if isinstance(each, dict):
                said += self("apply", "-f", "-", stdin=yaml.safe_dump(each), **options)
            elif isinstance(each, os.PathLike):
                said += self("apply", "-k" if each.is_dir() else "-f", each, **options)
            else:
                said += self("apply", "-f", "-", stdin=each, **options)
        return said

    def get(self, *words):
        """kubectl get … as an object."""
        return json.loads(self("get", *words, "-o", "json"))

    def patch(self, kind, name, change, how="merge"):
        return self("patch", kind, name, "--type", how, "--patch", json.dumps(change))

    def wait(self, what, condition, seconds=30):
        """wait("deployment/app", "condition=Available")"""
        return self("wait", what, f"--for={condition}", f"--timeout={seconds}s", timeout=seconds + 10)

    def describe(self, *words):
        return self("describe", *words)

    def delete(self, *words, wait=True):
        return self("delete", *words, f"--wait={str(wait).lower()}", "--ignore-not-found")

    def may(self, verb, resource, *words):
        """Whether RBAC lets whom the kubeconfig belongs to do this; `ingresses/status` is a part of a resource, not a name."""
        resource, _, part = resource.partition("/")
        part = [f"--subresource={part}"] if part else []
        return self.run("auth", "can-i", verb, resource, *part, *words, check=False).returncode == 0
