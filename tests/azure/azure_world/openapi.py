"""Document and Operation: the operations of published OpenAPI (Swagger 2.0) documents, and whether a request or an answer is one."""

import functools
import json
import re

import jsonschema

from . import schemas

METHODS = ("get", "put", "post", "patch", "delete", "head")
SIMPLE = ("enum", "pattern", "minimum", "maximum", "minLength", "maxLength")
# Headers that change what a request means: none may be sent that the operation does not name.
CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


class Document:
    """`newer` is the pattern of further api-versions that its service takes: with its own one, nothing may be asked or answered that
    is not in the document; with newer ones what the document names must be right, and the rest is unknown to us. `read_only`: its
    writers send back what they read."""

    def __init__(self, folder, *files, newer="", read_only=False):
        self.version = schemas.document(folder, files[0])["info"]["version"]
        self.newer, self.read_only = re.compile(newer), read_only
        self.operations = [Operation(self, path, method, described)
                           for file in files for path, methods in schemas.document(folder, file)["paths"].items()
                           for method, described in methods.items() if method in METHODS]
        # Of two templates that match, the one that names more.
        self.operations.sort(key=lambda each: each.template.count("{"))

    def find(self, request):
        """The operation that this is; None: there is none."""
        for path in (request.path, request.path + "/"):
            for operation in self.operations:
                if operation.method == request.method and operation.pattern.fullmatch(path):
                    return operation
        return None

    def takes(self, version):
        return version is not None and (version == self.version or self.newer.fullmatch(version) is not None)

    def named(self, operation_id):
        return next(each for each in self.operations if each.id == operation_id)


class Operation:
    def __init__(self, document, path, method, described):
        self.document, self.template, self.method = document, path, method.upper()
        self.id = described["operationId"]
        self.responses = described["responses"]
        self.pageable = "x-ms-pageable" in described
        self.examples = [example["$ref"] for example in described.get("x-ms-examples", {}).values()]
        self.parameters = [schemas.resolve(each) for each in described.get("parameters", [])]
        literal = re.split(r"\{[^}]*\}", path)
        # Resource Manager does not tell upper case from lower case in what the template spells out.
        self.pattern = re.compile("([^/]*)".join(map(re.escape, literal)), re.IGNORECASE)
        self.names = re.findall(r"\{([^}]*)\}", path)

    def path_values(self, path):
        found = self.pattern.fullmatch(path) or self.pattern.fullmatch(path + "/")
        return dict(zip(self.names, found.groups()))

    def _in(self, place):
        return [each for each in self.parameters if each["in"] == place]

    def _dialect(self, request, kind):
        closed = request.query.get("api-version") == self.document.version
        return schemas.Dialect(kind == "request", closed, self.document.read_only or not closed)

    # ---- the request

    def faults_of_request(self, request):
        values = {"path": self.path_values(request.path), "query": request.query, "header": request.headers}
        found = []
        for place, given in values.items():
            for parameter in self._in(place):
                name = parameter["name"].lower() if place == "header" else parameter["name"]
                found += _faults_of_parameter(parameter, given.get(name))
        allowed = {each["name"] for each in self._in("query")}
        if self.pageable:
            allowed |= {"$skiptoken", "$skipToken"}
        found += [f"has the query parameter {name}, which {self.id} does not know" for name in request.query if name not in allowed]
        declared = {each["name"].lower() for each in self._in("header")}
        found += [f"has the header {name}, which {self.id} does not know" for name in CONDITIONS
                  if name in request.headers and name not in declared]
        if not self.document.takes(request.query.get("api-version")):
            found.append(f"has the api-version {request.query.get('api-version')!r}")
        return found + self._faults_of_body(request)

    def _faults_of_body(self, request):
        described = next(iter(self._in("body")), None)
        if described is None:
            return ["has a body"] if request.body else []
        if not request.body:
            # Without a token it only asks who may: clients keep the body back then.
            return ["has no body"] if described.get("required") and request.bearer else []
        kind = request.headers.get("content-type", "").split(";")[0].strip()
        if kind != "application/json":
            return [f"has a body of the type {kind!r}"]
        try:
            value = json.loads(request.body)
        except ValueError as error:
            return [f"has a body that is not JSON: {error}"]
        return [f"has a body that is not as {self.id} has it: {text}" for text in
                schemas.faults_of(value, described["schema"], self._dialect(request, "request"))]

    # ---- the answer

    def faults_of_answer(self, request, answer):
        described = self.responses.get(str(answer.status))
        if described is None:
            if answer.status < 300:
                return [f"{self.id} has no such answer"]
            described = self.responses.get("default", {})
        content = answer.content
        if "schema" not in described:
            return [f"{self.id} has no body there"] if content else []
        try:
            value = json.loads(content)
        except ValueError as error:
            return [f"not JSON: {error}"]
        return schemas.faults_of(value, described["schema"], self._dialect(request, "answer"))


def _faults_of_parameter(parameter, text):
    name = parameter["name"]
    # An empty version in a path is the current one: what generated clients send.
    if text is None or (text == "" and parameter["in"] == "path" and name.endswith("-version")):
        return [f"lacks the parameter {name}"] if parameter.get("required") and text is None else []
    kind = parameter.get("type", "string")
    try:
        value = {"integer": int, "boolean": {"true": True, "false": False}.__getitem__}.get(kind, str)(text)
    except (ValueError, KeyError):
        return [f"has {name}={text!r}, which is no {kind}"]
    checker = _parameter_checker(json.dumps({key: parameter[key] for key in SIMPLE if key in parameter}))
    return [f"has {name}: {error.message}" for error in checker.iter_errors(value)]


@functools.cache
def _parameter_checker(schema):
    return jsonschema.Draft4Validator(json.loads(schema))
