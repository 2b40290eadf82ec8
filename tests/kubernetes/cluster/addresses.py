"""AddressBlock: 127.N.0.0/16 for one cluster, so that clusters of tests that run beside each other share no address."""

import itertools
import os
import socket


class AddressBlock:
    """Nothing has to be set up for it: all of 127.0.0.0/8 is this machine. What is claimed is held by a socket."""

    CLAIM_PORT = 17171

    def __init__(self):
        for second in itertools.chain(range(16 + os.getpid() % 200, 240), range(16, 240)):
            self._claim = socket.socket()
            try:
                self._claim.bind((f"127.{second}.255.254", self.CLAIM_PORT))
                self._claim.listen(1)
                break
            except OSError:
                self._claim.close()
        else:
            raise RuntimeError("no block of addresses is left")
        self._prefix = f"127.{second}"
        self._pods = itertools.count(1)
        self._balancers = itertools.count(1)

    @property
    def host(self):
        return f"{self._prefix}.255.1"

    def pod(self):
        """An address that no Pod had before."""
        number = next(self._pods)
        return f"{self._prefix}.{number // 250}.{number % 250 + 1}"

    def balancer(self):
        number = next(self._balancers)
        return f"{self._prefix}.{200 + number // 250}.{number % 250 + 1}"

    def close(self):
        self._claim.close()
