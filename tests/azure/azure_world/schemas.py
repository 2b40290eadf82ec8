"""The schemas of published Swagger 2.0 documents, made into JSON schemas that the library `jsonschema` validates.

What Swagger says and JSON schema does not know is translated: `readOnly` members must not be in a request, `x-nullable` allows null,
`allOf` with members of its own is one object. A closed schema allows no member that the document does not name.
"""

import base64
import binascii
import functools
import json
import pathlib
import re
from dataclasses import dataclass

import jsonschema
import referencing
import referencing.jsonschema

DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "azure"

# What only describes; `required` of a read-only member is dropped with it.
KEPT = {"type", "format", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems",
        "required"}

formats = jsonschema.FormatChecker(formats=())


@formats.checks("byte", raises=binascii.Error)
def _byte(value):
    return not isinstance(value, str) or base64.b64decode(value, validate=True) is not None


@formats.checks("base64url")
def _base64url(value):
    return not isinstance(value, str) or re.fullmatch(r"[A-Za-z0-9_-]*", value) is not None


@formats.checks("date-time")
def _date_time(value):
    return not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value) is not None


@formats.checks("int32")
def _int32(value):
    return not isinstance(value, int) or -2**31 <= value < 2**31


@functools.cache
def document(folder, name):
    """One published file, every reference in it made absolute."""
    def absolute(node):
        if isinstance(node, dict):
            return {key: _absolute_reference(folder, name, value) if key == "$ref" and isinstance(value, str) else absolute(value)
                    for key, value in node.items()}
        return [absolute(each) for each in node] if isinstance(node, list) else node
    return absolute(json.loads((DATA / folder / name).read_text()))


def _absolute_reference(folder, name, reference):
    file, _, pointer = reference.partition("#")
    return f"spec:/{folder}/{pathlib.PurePosixPath(file).name or name}#{pointer}"


def resolve(node):
    """What a reference points at."""
    while isinstance(node, dict) and "$ref" in node:
        file, _, pointer = node["$ref"].partition("#")
        node = document(*file.removeprefix("spec:/").split("/"))
        for step in pointer.strip("/").split("/"):
            node = node[step.replace("~1", "/").replace("~0", "~")]
    return node


@dataclass(frozen=True)
class Dialect:
    """How schemas are read. closed: no member that is not named; read_only: a request may send back what was read."""
    request: bool
    closed: bool = True
    read_only: bool = False

    def translated(self, schema):
        if "$ref" in schema:
            # Each definition is a resource of its own: a whole document takes the library long to look through.
            return {"$ref": schema["$ref"].replace("#", "?")}
        schema = _merged(schema)
        made = {key: value for key, value in schema.items() if key in KEPT}
        members = {name: value for name, value in schema.get("properties", {}).items()
                   if not (self.request and not self.read_only and (value.get("readOnly") or resolve(value).get("readOnly")))}
        if "required" in made:
            made["required"] = [name for name in made["required"] if name in members]
            if not made["required"]:
                del made["required"]
        if "properties" in schema:
            made.setdefault("type", "object")
            # Services write null for what is not there, whatever the document says: its own examples do.
            made["properties"] = {name: self._member(value, name in made.get("required", ())) for name, value in members.items()}
        if "items" in schema:
            made["items"] = self.translated(schema["items"])
        if isinstance(schema.get("additionalProperties"), dict):
            made["additionalProperties"] = self.translated(schema["additionalProperties"])
        elif self.closed and "properties" in schema:
            made["additionalProperties"] = False
        return made

    def _member(self, schema, required):
        made = self.translated(schema)
        nullable = schema.get("x-nullable") or ("$ref" in schema and resolve(schema).get("x-nullable"))
        return {"anyOf": [made, {"type": "null"}]} if nullable or (not self.request and not required) else made


def _merged(schema):
    """An allOf becomes one object."""
    if "allOf" not in schema:
        return schema
    result = {key: value for key, value in schema.items() if key != "allOf"}
    result["properties"] = dict(result.get("properties", {}))
    for part in schema["allOf"]:
        part = _merged(resolve(part))
        result["properties"] = {**part.get("properties", {}), **result["properties"]}
        result["required"] = [*result.get("required", []), *part.get("required", [])]
    return result


@functools.cache
def _registry(dialect):
    def retrieve(uri):
        content = dialect.translated(resolve({"$ref": uri.replace("?", "#")}))
        return referencing.Resource.from_contents(content, default_specification=referencing.jsonschema.DRAFT4)
    return referencing.Registry(retrieve=functools.cache(retrieve))


def faults_of(value, schema, dialect):
    """Why the value is not what the schema says: a list of sentences."""
    validator = jsonschema.Draft4Validator(dialect.translated(schema), registry=_registry(dialect), format_checker=formats)
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]
