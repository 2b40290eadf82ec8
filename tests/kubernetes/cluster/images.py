"""Images: which program of this machine a container's image stands for."""

import pathlib
import re
import shutil
import sys
from dataclasses import dataclass, field

from support.edge import BINARY

ECHO = pathlib.Path(__file__).with_name("echo.py")


@dataclass
class Image:
    """`programs` are the names that a command may call them by inside the image."""

    entrypoint: list
    programs: dict = field(default_factory=dict)

    def resolved(self, words):
        """The words with a program of this machine in front; None where there is none."""
        words = [str(word) for word in words]
        name = words[0].rsplit("/", 1)[-1] if words else ""
        if name in self.programs:
            return [str(self.programs[name]), *words[1:]]
        return words if words and shutil.which(words[0]) else None

    def command(self, container):
        """The words to run, by the rules of Kubernetes: command replaces the entry point."""
        return self.resolved(list(container.get("command") or self.entrypoint) + list(container.get("args") or []))


def echo_image():
    return Image([sys.executable, str(ECHO)])


class Images:
    """Found by the whole name without tag and digest, then by its last part: `registry/my-app:v1` as `my-app`."""

    def __init__(self):
        self._table = {
            "sekisho": Image([str(BINARY)], {"sekisho": BINARY}),
            # Commands of this machine, for init containers and the like.
            "shell": Image(["/bin/sh"]),
        }
        for name in ("echo", "mcr.microsoft.com/azuredocs/aks-helloworld", "nginx", "my-app", "httpbin"):
            self._table[name] = echo_image()

    def add(self, name, *entrypoint):
        self._table[name] = Image([str(word) for word in entrypoint])

    def find(self, reference):
        name = re.sub(r"(@sha256:[0-9a-f]+)?$", "", reference)
        name = re.sub(r":[\w.-]+$", "", name)
        return self._table.get(name) or self._table.get(name.rsplit("/", 1)[-1])
