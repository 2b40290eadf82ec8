"""Volumes of a Pod as folders: Secrets, ConfigMaps, tokens and the Pod's own fields as files that change by one rename."""

import base64
import datetime
import os
import pathlib
import shutil
import time

from .fields import field_of
from .not_yet import NotYet


def write_files(folder, files):
    """{relative path: bytes}: a new folder beside, then `..data` moved to it by rename, as the kubelet does. Readers see all of
    the old or all of the new."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "..data"
    old = data.resolve() if data.is_symlink() else None
    fresh = folder / f"..{datetime.datetime.now():%Y_%m_%d_%H_%M_%S}.{time.monotonic_ns()}"
    for path, content in files.items():
        (fresh / path).parent.mkdir(parents=True, exist_ok=True)
        (fresh / path).write_bytes(content)
    fresh.mkdir(exist_ok=True)
    moved = folder / "..data_tmp"
    moved.unlink(missing_ok=True)
    moved.symlink_to(fresh.name)
    moved.rename(data)
    shown = {path.split("/")[0] for path in files}
    for name in shown:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    for link in folder.iterdir():
        if not link.name.startswith("..") and link.name not in shown:
            link.unlink()
    if old and old != fresh:
        shutil.rmtree(old, ignore_errors=True)


def picked(source, found):
    """The keys that the volume's `items` choose, under the paths that they give."""
    if not source.get("items"):
        return found
    missing = [item["key"] for item in source["items"] if item["key"] not in found]
    if missing and not source.get("optional"):
        raise NotYet("ContainerCreating", f"references non-existent keys: {', '.join(missing)}")
    return {item["path"]: found[item["key"]] for item in source["items"] if item["key"] in found}


class Volumes:
    """All volumes of one Pod, under `folder`. `node` gives objects of the API and CSI drivers."""

    def __init__(self, node, pod, folder):
        self._node, self._pod, self._folder = node, pod, pathlib.Path(folder)
        self._written = {}
        self._tokens = {}

    def path(self, name):
        return self._folder / name

    def write(self):
        """Writes what is new or changed. Raises NotYet where something is missing that is not optional."""
        for volume in self._pod.spec.get("volumes") or []:
            files = self._files(volume)
            if files is None:
                self.path(volume["name"]).mkdir(parents=True, exist_ok=True)
            elif self._written.get(volume["name"]) != files:
                write_files(self.path(volume["name"]), files)
                self._written[volume["name"]] = files

    def refers_to(self, kind, name):
        """Whether a Secret or ConfigMap of this name is in one of the volumes."""
        word, key = {"secrets": ("secret", "secretName"), "configmaps": ("configMap", "name")}[kind]
        for volume in self._pod.spec.get("volumes") or []:
            sources = [volume.get(word)] + [source.get(word) for source in volume.get("projected", {}).get("sources", [])]
            if any(source and name in (source.get(key), source.get("name")) for source in sources):
                return True
        return False

    def tokens_due(self):
        return any(time.time() >= due for _, due in self._tokens.values())

    def forget_tokens(self):
        self._tokens.clear()

    def _files(self, volume):
        if "projected" in volume:
            files = {}
            for source in volume["projected"].get("sources") or []:
                files |= self._source(source)
            return files
        if "csi" in volume:
            driver = self._node.csi_drivers.get(volume["csi"]["driver"])
            if not driver:
                raise NotYet("ContainerCreating", f"driver name {volume['csi']['driver']} not found in the list of registered CSI drivers")
            return driver(self._pod.object, volume["csi"].get("volumeAttributes") or {})
        if "secret" in volume:
            return self._keys("secrets", {**volume["secret"], "name": volume["secret"].get("secretName")})
        if {"configMap", "downwardAPI"} & set(volume):
            return self._source(volume)
        if "hostPath" in volume and not self.path(volume["name"]).exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            os.symlink(volume["hostPath"]["path"], self.path(volume["name"]))
        return None

    def _source(self, source):
        if "serviceAccountToken" in source:
            return self._token(source["serviceAccountToken"])
        if "configMap" in source:
            return self._keys("configmaps", source["configMap"])
        if "secret" in source:
            return self._keys("secrets", source["secret"])
        if "downwardAPI" in source:
            return {item["path"]: field_of(self._pod, item["fieldRef"]["fieldPath"]).encode()
                    for item in source["downwardAPI"].get("items") or [] if "fieldRef" in item}
        raise NotYet("ContainerCreating", f"a volume of a kind that is unknown here: {sorted(source)}")

    def _keys(self, resource, source):
        found = self._node.api.find(resource, self._pod.namespace, source["name"])
        if found is None:
            if source.get("optional"):
                return {}
            raise NotYet("ContainerCreating", f"{resource} \"{source['name']}\" not found")
        data = {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
        for key, value in (found.get("data") or {}).items():
            # Configuration names files of its Pod, which are elsewhere on this machine.
            data[key] = base64.b64decode(value) if resource == "secrets" else self._pod.translated(value).encode()
        return picked(source, data)

    def _token(self, source):
        token, due = self._tokens.get(source["path"], (None, 0))
        if time.time() >= due:
            seconds = source.get("expirationSeconds", 3600)
            audience = [source["audience"]] if source.get("audience") else []
            token = self._node.token(self._pod.namespace, self._pod.spec.get("serviceAccountName", "default"), seconds, audience,
                                     self._pod.object)
            # The kubelet asks for a new one after four fifths of the life of the old.
            self._tokens[source["path"]] = token, time.time() + seconds * 0.8
        return {source["path"]: token.encode()}
