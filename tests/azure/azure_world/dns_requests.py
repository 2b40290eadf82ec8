"""The requests about zones and record sets, by the operationId of the published document."""

from .dns_zones import RecordSet
from .exchange import Answer

HANDLERS = {}


def does(operation):
    def register(function):
        HANDLERS[operation] = function
        return function
    return register


def zone_of(service, values):
    return service.find_zone(values["subscriptionId"], values["resourceGroupName"], values["zoneName"])


def only_txt(service, values):
    if values["recordType"].upper() != "TXT":
        service.refuse(400, "BadRequest", "This stand-in has record sets of the type TXT only.")


def set_of(service, zone, values):
    found = zone.find(values["relativeRecordSetName"])
    if found is None:
        service.refuse(404, "NotFound", f"The resource record '{values['relativeRecordSetName']}' does not exist in resource group "
                                        f"'{values['resourceGroupName']}' of subscription '{values['subscriptionId']}'.")
    return found


def check_conditions(service, request, found):
    match, none_match = request.headers.get("if-match"), request.headers.get("if-none-match")
    fails = ((match == "*" and found is None) or (match not in (None, "", "*") and (found is None or found.etag != match))
             or (none_match == "*" and found is not None))
    if fails:
        what = f"etag '{found.etag}'" if found else "nothing"
        service.refuse(412, "PreconditionFailed", f"The condition '{match or none_match}' in the request is not satisfied: {what}.")


def check_limits(service, zone, values):
    if not values or any(not record or any(len(text.encode()) > 255 for text in record) for record in values):
        service.refuse(400, "BadRequest", "A record set needs records, and each string of a TXT record has at most 255 bytes.")
    if len(values) > zone.records_limit:
        service.refuse(400, "BadRequest", f"A record set has at most {zone.records_limit} records.")
    if sum(len(text) for record in values for text in record) > zone.characters_limit:
        service.refuse(400, "BadRequest", f"A record set has at most {zone.characters_limit} characters.")
    if len({tuple(each) for each in values}) != len(values):
        service.refuse(400, "BadRequest", "A record set must not have a record twice.")


@does("RecordSets_CreateOrUpdate")
def put_set(service, request, values):
    only_txt(service, values)
    zone = zone_of(service, values)
    found = zone.find(values["relativeRecordSetName"])
    check_conditions(service, request, found)
    asked = request.json.get("properties") or {}
    records = [list(each.get("value") or []) for each in asked.get("TXTRecords") or []]
    check_limits(service, zone, records)
    if not 1 <= asked.get("TTL", 0) <= 2**31 - 1:
        service.refuse(400, "BadRequest", "The TTL is not in range.")
    made = RecordSet(values["relativeRecordSetName"], records, asked["TTL"], asked.get("metadata"))
    zone.keep(made)
    return Answer(200 if found else 201, zone.set_as_json(made))


@does("RecordSets_Update")
def patch_set(service, request, values):
    only_txt(service, values)
    zone = zone_of(service, values)
    found = set_of(service, zone, values)
    check_conditions(service, request, found)
    asked = request.json.get("properties") or {}
    records = [list(each["value"]) for each in asked["TXTRecords"]] if "TXTRecords" in asked else found.values
    made = RecordSet(found.name, records, asked.get("TTL", found.ttl), asked.get("metadata", found.metadata))
    zone.keep(made)
    return Answer(200, zone.set_as_json(made))


@does("RecordSets_Get")
def get_set(service, _request, values):
    only_txt(service, values)
    zone = zone_of(service, values)
    return Answer(200, zone.set_as_json(set_of(service, zone, values)))


@does("RecordSets_Delete")
def delete_set(service, request, values):
    only_txt(service, values)
    zone = zone_of(service, values)
    found = zone.find(values["relativeRecordSetName"])
    check_conditions(service, request, found)
    if found is None:
        return Answer(204)
    zone.drop(found.name)
    return Answer(200)


@does("RecordSets_ListByType")
def list_by_type(service, request, values):
    only_txt(service, values)
    return list_sets(service, request, values)


@does("RecordSets_ListByDnsZone")
@does("RecordSets_ListAllByDnsZone")
def list_sets(service, request, values):
    zone = zone_of(service, values)
    ending = request.query.get("$recordsetnamesuffix", "")
    return service.page(request, [zone.set_as_json(each) for each in zone.sets.values() if each.name.endswith(ending)])


@does("Zones_Get")
def get_zone(service, _request, values):
    return Answer(200, zone_of(service, values).as_json())


@does("Zones_ListByResourceGroup")
def list_zones_of_group(service, request, values):
    return service.page(request, [each.as_json() for each in service.zones
                                  if each.subscription == values["subscriptionId"]
                                  and each.group.lower() == values["resourceGroupName"].lower()])


@does("Zones_List")
def list_zones(service, request, values):
    return service.page(request, [each.as_json() for each in service.zones if each.subscription == values["subscriptionId"]])
