"""Vault: one vault's certificates and secrets, and what tests do to it. A certificate is a secret of the same name too."""

import time

from .vault_objects import PFX, Kept, Version, version_of


class Vault:
    """`denied` maps a permission ("certificates/list", "secrets/get", …) or "*" to why it is refused (innererror.code)."""

    def __init__(self, name):
        self.name = name
        self.certificates, self.secrets = {}, {}
        self.denied = {}
        # How lists are given out: at most so many on a page, and a page without any before the last.
        self.page_size = 25
        self.empty_pages = False

    # ---- what tests put there

    def add_certificate(self, name, pair, content_type=PFX, **more):
        """A version of it, the newest; returns its id. `more`: exportable, enabled, tags, created, reverse."""
        return self.keep_certificate(name, version_of(pair, content_type, **more)).id

    def keep_certificate(self, name, version):
        kept = self.certificates.setdefault(name, Kept(name))
        kept.versions.append(version)
        self.secrets[name] = kept
        return version

    def add_secret(self, name, value, content_type=None, **more):
        kept = self.secrets.setdefault(name, Kept(name))
        kept.versions.append(Version(value, content_type, **more))
        return kept.newest.id

    # ---- what tests do to it

    def disable(self, name, version=None):
        self._change(name, version, enabled=False)

    def enable(self, name, version=None):
        self._change(name, version, enabled=True)

    def _change(self, name, version, **values):
        found = self.secrets[name].find(version)
        for key, value in values.items():
            setattr(found, key, value)
        found.updated = int(time.time())

    def soft_delete(self, name):
        self.secrets[name].deleted = int(time.time())

    def recover(self, name):
        self.secrets[name].deleted = None

    def purge(self, name):
        self.certificates.pop(name, None)
        self.secrets.pop(name, None)

    def deny(self, permission="*", why="ForbiddenByRbac"):
        """why: ForbiddenByRbac, AccessDenied (an access policy) or ForbiddenByFirewall."""
        self.denied[permission] = why

    def allow(self, permission=None):
        """Without a permission: everything."""
        if permission is None:
            self.denied.clear()
        else:
            self.denied.pop(permission, None)

    def why_denied(self, permission):
        return self.denied.get("*") or self.denied.get(permission)
