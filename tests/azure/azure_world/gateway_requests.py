"""The requests about application gateways, by the operationId of the published document."""

from .exchange import Answer
from .gateway import Gateway
from .gateway_certificates import Unacceptable
from .operations import SUCCEEDED

HANDLERS = {}


def does(operation):
    def register(function):
        HANDLERS[operation] = function
        return function
    return register


def gateway_of(service, values):
    service.operations.settle()
    return service.find_gateway(values) or service.refuse(
        404, "ResourceNotFound", f"The Resource 'Microsoft.Network/applicationGateways/{values['applicationGatewayName']}' under "
                                 f"resource group '{values['resourceGroupName']}' was not found.")


def version(request):
    return request.query.get("api-version", "")


@does("ApplicationGateways_Get")
def get_gateway(service, request, values):
    return Answer(200, gateway_of(service, values).shown(version(request)))


@does("ApplicationGateways_CreateOrUpdate")
def put_gateway(service, request, values):
    service.operations.settle()
    gateway = service.find_gateway(values)
    created = gateway is None
    if created:
        gateway = Gateway(service, values["subscriptionId"], values["resourceGroupName"], values["applicationGatewayName"])
    if gateway.busy and gateway.when_busy == "refuse":
        answer = service.error(429, "RetryableError", "A retryable error occurred. Another operation on this or dependent "
                                                      "resource is in progress.")
        answer.headers["Retry-After"] = str(service.operations.retry_after)
        return answer
    try:
        operation = gateway.write(request.json, service.tokens.find(request.bearer).client)
    except Unacceptable as why:
        return service.error(400, *why.args)
    if created:
        service.gateways.append(gateway)
    return Answer(201 if created else 200, gateway.shown(version(request)), service.operations.headers(request, operation))


@does("ApplicationGateways_UpdateTags")
def patch_gateway(service, request, values):
    gateway = gateway_of(service, values)
    gateway.resource["tags"] = request.json.get("tags") or {}
    return Answer(200, gateway.shown(version(request)))


@does("ApplicationGateways_Delete")
def delete_gateway(service, _request, values):
    service.operations.settle()
    gateway = service.find_gateway(values)
    if gateway is None:
        return Answer(204)
    service.gateways.remove(gateway)
    return Answer(200)


def turns(operation, running):
    @does(operation)
    def turn(service, request, values):
        gateway = gateway_of(service, values)

        def done(status):
            if status == SUCCEEDED:
                gateway.running = running
        begun = service.operations.begin(operation, values["subscriptionId"], done)
        headers = service.operations.headers(request, begun)
        location = headers["Azure-AsyncOperation"].replace("/operations/", "/operationResults/")
        return Answer(202, None, {"Location": location, **headers})


turns("ApplicationGateways_Start", True)
turns("ApplicationGateways_Stop", False)


@does("ApplicationGateways_List")
def list_of_group(service, request, values):
    return service.page(request, [each.shown(version(request)) for each in service.gateways
                                  if each.subscription == values["subscriptionId"]
                                  and each.group.lower() == values["resourceGroupName"].lower()])


@does("ApplicationGateways_ListAll")
def list_all(service, request, values):
    return service.page(request, [each.shown(version(request)) for each in service.gateways
                                  if each.subscription == values["subscriptionId"]])
