"""The JSON schema of what is PUT as an application gateway, of the newest api-version that there is one for."""

import functools
import json

import jsonschema
import referencing
import referencing.jsonschema

from .schemas import DATA

VERSION = "2025-07-01"
# The schema is of templates, in which an expression may stand for any value. It refers to this definition by its address.
TEMPLATES = "https://schema.management.azure.com/schemas/common/definitions.json"
EXPRESSION = {"definitions": {"expression": {"type": "string", "pattern": r"^\[([^\[].*)?\]$"}}}


@functools.cache
def _validator():
    schema = json.loads((DATA / f"network-{VERSION}" / "Microsoft.Network.NRP.json").read_text())
    registry = referencing.Registry().with_resources(
        [(uri, referencing.Resource.from_contents(content, default_specification=referencing.jsonschema.DRAFT4))
         for uri, content in ((TEMPLATES, EXPRESSION), (schema["id"].rstrip("#"), schema))])
    return jsonschema.Draft4Validator({"$ref": f"{schema['id']}/resourceDefinitions/applicationGateways"}, registry=registry)


def faults_of_body(request):
    """Why it is no application gateway; only with the version of the schema."""
    if request.query.get("api-version") != VERSION:
        return []
    try:
        body = json.loads(request.body)
    except ValueError:
        return []  # is told elsewhere
    # Templates name what the URL names here.
    whole = {**body, "name": request.path.rsplit("/", 1)[1], "type": "Microsoft.Network/applicationGateways", "apiVersion": VERSION}
    return [f"has a body that is no gateway of {VERSION}: {error.json_path}: {error.message[:300]}"
            for error in _validator().iter_errors(whole)]
