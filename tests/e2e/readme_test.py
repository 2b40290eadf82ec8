"""The README's five minutes, typed as they stand there: every command, and every line that it says will come.

In a network namespace of its own, because the tour uses fixed ports. Serial numbers, times and ids are compared by shape.
"""

import os
import pathlib
import re
import shutil
import subprocess
import threading
import time

import pytest

from support.edge import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
TOUR = README[README.index("## Five minutes"):README.index("## A certificate from an ACME CA")]
END = "=== the command has ended ==="

SHAPES = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\b[0-9A-F]{36,40}\b", "SERIAL"),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r'(_ms":)[\d.]+', r"\1MS"),
    (r"\b\d+ s\b", "N s"),
    (r"\b(29|30) d\b", "N d"),
    (r"/tour\b", "FOLDER"),
    (r"curl/[\d.]+", "curl/VERSION"),
    (r"\s+", " "),
)


def shape(line):
    for pattern, instead in SHAPES:
        line = re.sub(pattern, instead, line)
    return line.strip()


def steps(text):
    """(command, lines that it says) of every block, in order."""
    found = []
    for block in re.findall(r"^```\n(.*?)^```", text, re.S | re.M):
        command, said, here = None, [], None
        for line in block.splitlines():
            if here is not None:
                command += "\n" + line
                here = None if line == here else here
            elif command is not None and command.endswith("\\"):
                command += "\n" + line
            elif line.startswith("$ "):
                if command is not None:
                    found.append((command, said))
                command, said = line[2:], []
                marker = re.search(r"<<(\w+)", line)
                here = marker[1] if marker else None
            else:
                said.append(line)
        found.append((command, said))
    return found


class Shell:
    """A bash in a namespace of its own; everything that it and its background jobs say is kept."""

    def __init__(self, folder, binary):
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        (folder / "build" / "release").mkdir(parents=True)
        os.symlink(binary, folder / "build" / "release" / "sekisho")
        self.process = subprocess.Popen(["unshare", "--net", "--pid", "--fork", "--kill-child", "bash", "--noprofile", "--norc"], cwd=folder,
                                        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, bufsize=1)
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()
        self.type("set -m; ip link set lo up")

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def type(self, command):
        """Returns how many lines there were before, when the command has ended."""
        before = len(self.lines)
        self.process.stdin.write(f"{command}\necho '{END}'\n")
        self.process.stdin.flush()
        self.wait(lambda: END in self.lines[before:], command)
        return before

    def wait(self, condition, what):
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end, f"{what}\n" + "\n".join(self.lines[-40:])
            time.sleep(0.02)

    def close(self):
        self.process.kill()
        self.process.wait(10)


def missing(expected, lines):
    """The first expected line that does not come in its order; None if all do. Other lines may stand between."""
    rest = iter([shape(line) for line in lines])
    for line in expected:
        if line != "..." and shape(line) and shape(line) not in rest:
            return line
    return None


@pytest.fixture
def shell(tmp_path):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a network namespace needs root")
    shell = Shell(tmp_path, BINARY)
    yield shell
    shell.close()


def run_tour(shell, folder, tour):
    for command, said in tour:
        typed = command.replace("/tour", str(folder))
        server = re.search(r"http\.server (\d+)|sekisho (?:proxy|run)", command)
        if server:
            port = server[1] or 8443
            typed += "" if typed.endswith("&") else " &"
            typed += f"\nuntil (: </dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done"
        before = shell.type(typed)
        expected = [line.replace("/tour", "FOLDER") for line in said]

        def absent():
            return missing(expected, [line.replace(str(folder), "FOLDER") for line in shell.lines[before:]])

        end = time.monotonic() + 20
        while absent() is not None:  # what runs in the background says it when it comes to it
            assert time.monotonic() < end, f"$ {command}\nnever said: {absent()}\nbut:\n" + "\n".join(shell.lines[before:])
            time.sleep(0.1)


def test_the_tour_is_what_one_really_gets(shell, tmp_path):
    first = TOUR[:TOUR.index("### 2.")]
    rest = TOUR[TOUR.index("### 2."):]
    run_tour(shell, tmp_path, steps(first))
    shell.type("kill %1; wait %1")
    again = next(command for command, _ in steps(rest) if command.startswith("openssl req"))
    second, third = rest.split("### 3.")
    run_tour(shell, tmp_path, steps(second))
    shell.type(again)
    of_file, of_server = (command for command, _ in steps(third) if "openssl x509" in command)
    shell.type(f'until [ "$({of_file})" = "$({of_server})" ]; do sleep 0.1; done')  # its reader takes longer
    run_tour(shell, tmp_path, steps(third))
