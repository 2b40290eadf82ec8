"""Terminal: a subcommand of the binary on a terminal of its own."""

import os
import pty
import select
import subprocess
import time

from .edge import BINARY


class Terminal:
    """What the command prints is in `text`; it is ended with the block."""

    def __init__(self, edge, *words):
        self.command = [BINARY, *words, "--admin", f"127.0.0.1:{edge.admin_port}"]
        self.text = ""
        self._seen = 0

    def __enter__(self):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(self.command, stdin=slave, stdout=slave, stderr=slave,
                                        env={**os.environ, "TERM": "xterm"})
        os.close(slave)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        os.close(self.master)

    def wait_for(self, text, patience=30):
        """Behind what was waited for before."""
        end = time.monotonic() + patience
        while (at := self.text.find(text, self._seen)) < 0:
            left = end - time.monotonic()
            assert left > 0, f"{text!r} was not shown:\n{self.text[self._seen:]}"
            if select.select([self.master], [], [], min(left, 1))[0]:
                self.text += os.read(self.master, 65536).decode(errors="replace")
        self._seen = at + len(text)
