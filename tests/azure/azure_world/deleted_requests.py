"""The requests about what was deleted from a vault and can be recovered: the same for certificates and for secrets."""

from . import vault_objects as objects
from .exchange import Answer
from .vault_requests import does, live


def bundle(base, kept, place):
    if place == "certificates":
        return objects.certificate_bundle(base, kept, kept.newest)
    return {key: value for key, value in objects.secret_bundle(base, kept, kept.newest).items() if key != "value"}


def item(base, kept, place):
    make = objects.certificate_item if place == "certificates" else objects.secret_item
    return objects.deleted_bundle(base, kept, make(base, kept, kept.newest, versioned=False), place)


def for_each_kind(place, kind):
    def kept_of(vault):
        return vault.certificates if place == "certificates" else vault.secrets

    def gone(service, vault, name):
        found = kept_of(vault).get(name)
        if found is None or not found.deleted:
            service.refuse(404, f"{kind}NotFound", f"Deleted {kind} not found: {name}")
        return found

    @does(f"Delete{kind}", f"{place}/delete")
    def delete(service, vault, request, values):
        kept = live(service, kept_of(vault), values["name"], f"{kind}NotFound")
        vault.soft_delete(kept.name)
        return Answer(200, objects.deleted_bundle(request.base, kept, bundle(request.base, kept, place), place))

    @does(f"GetDeleted{kind}", f"{place}/get")
    def get(service, vault, request, values):
        kept = gone(service, vault, values["name"])
        return Answer(200, objects.deleted_bundle(request.base, kept, bundle(request.base, kept, place), place))

    @does(f"GetDeleted{kind}s", f"{place}/list")
    def list_all(service, vault, request, _values):
        return service.page(vault, request, [item(request.base, kept, place) for kept in kept_of(vault).values() if kept.deleted])

    @does(f"RecoverDeleted{kind}", f"{place}/recover")
    def recover(service, vault, request, values):
        kept = gone(service, vault, values["name"])
        vault.recover(kept.name)
        return Answer(200, bundle(request.base, kept, place))

    @does(f"PurgeDeleted{kind}", f"{place}/purge")
    def purge(service, vault, _request, values):
        vault.purge(gone(service, vault, values["name"]).name)
        return Answer(204)


for_each_kind("certificates", "Certificate")
for_each_kind("secrets", "Secret")
