"""config/schema.json against a JSON Schema validator: it is a schema, and it takes and refuses what the parser does."""

import json
import pathlib

import pytest

jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "config/schema.json").read_text())


def faults(text):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [fault.message for fault in validator.iter_errors(yaml.safe_load(text))]


def test_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "workers: 2",
        "listeners: []",
        "listeners: [{address: ':80', tsl: true}]",
        "listeners: [{address: ':80'}]\nlimits: {header_size: 3 bytes}",
        "listeners: [{address: ':80'}]\nroutes: [{backend: a, respond: {}}]",
        "listeners: [{address: ':80'}]\nroutes: [{path: {prefix: app}, backend: a}]",
        "listeners: [{address: ':80'}]\ncertificates: [{files: {pfx: a, key: b}}]",
        "listeners: [{address: ':80'}]\ntls: {client_certificates: {ca_certificates: a}}",
        "listeners: [{address: ':80'}]\ntimeouts: {idle: 5}",
        "listeners: [{address: ':80'}]\ncertificates: [{hosts: [a.example.com]}]",
        "listeners: [{address: ':80'}]\ncertificates: [{directory: a, challenge: http-01}]",
        "listeners: [{address: ':80'}]\ncertificates: [{issuer: a, on_demand: {new_per_hour: 1}}]",
        "listeners: [{address: ':80'}]\nissuers: {a: {acme: {directory: 'https://ca.example.com'}}}",
        "listeners: [{address: ':80'}]\nissuers: {a: {acme: {directory: 'ftp://ca', agree_to_terms: true}}}",
        "listeners: [{address: ':80'}]\nissuers: {a: {ca: {certificate: a}}}",
    ],
)
def test_refuses(text):
    assert faults(text)


@pytest.mark.parametrize("path", ["examples/sekisho.yaml", "tests/config/every_key.yaml"])
def test_takes_the_files_that_the_parser_takes(path):
    assert faults((ROOT / path).read_text()) == []
