"""The alert rules that are shipped speak of metrics that there are, with labels that these have."""

import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "deploy" / "prometheus").glob("*.yaml"))
RULES = [rule for file in FILES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
LABELS = {"source", "reason", "mirror", "mirror_name", "mirror_namespace", "certificate"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_is_about_metrics_that_there_are(rule):
    known = set((ROOT / "tests" / "data" / "metric_names.txt").read_text().split())
    named = set(re.findall(r"\b(?:sekisho|x509|certmanager)_\w+", rule["expr"]))
    assert named and named <= known
    assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= LABELS
    assert rule["labels"]["severity"] in ("warning", "critical") and rule["annotations"]["summary"]
