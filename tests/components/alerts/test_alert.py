"""Kinds of alerts, and what no alert may say."""

import json
import re
from pathlib import Path

import pytest

from components.alerts.alert import KINDS, RUNBOOK, SEVERITIES, Alert, without_quoted
from components.alerts.alert_table import evidence_json

ROOT = Path(__file__).parents[3]


def test_every_kind_has_its_section_in_the_runbook_and_its_row_in_the_page():
    sections = re.findall(r"^### (\S+)$", (ROOT / RUNBOOK).read_text(), re.MULTILINE)
    assert [one for one in sections if one in KINDS] == [kind.anchor for kind in KINDS.values()]
    rows = re.findall(r"^\| `(\w+)` \| (\w+)", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE)
    told = {name: severity for name, severity in rows if name in KINDS}
    assert told == {kind.name: kind.severity for kind in KINDS.values()}


def test_a_section_says_what_it_means_and_what_to_do():
    text = (ROOT / RUNBOOK).read_text()
    for name in KINDS:
        section = text.partition(f"### {name}\n")[2].partition("\n##")[0]
        assert len(section.split()) > 30, name
        assert "`tens-insight " in section or "1. " in section or name == "policy_act", name


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "run_faild"}, "'run_faild' is no kind of alert. Did you mean run_failed?"),
        ({"severity": "grave"}, "'grave' is none of info, warning, critical"),
    ],
)
def test_an_alert_of_no_kind_is_refused(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Alert(**{"kind": "run_failed", "key": "score", "sentence": "x"} | given)


def test_an_alert_holds_what_the_database_can():
    one = Alert("drift", "k" * 400, "a\0b \ud800", {"a": float("nan"), "b\0": ["\0", '"\n\\u0000']})
    assert len(one.key) == 300
    assert one.sentence == "a\\x00b \\ud800"
    assert json.loads(evidence_json(one)) == {"a": None, "b\\x00": ["\\x00", '"\n\\u0000']}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("account_id 'ACC-1' comes 2 times.", "account_id '...' comes 2 times."),
        ('(first: "O\'Neil"). Drop it.', "(first: '...'). Drop it."),
        (r"id 'it\'s ACC-1' comes", "id '...' comes"),
        (
            "the champion's files of 'm' are not the server's",
            "the champion's files of '...' are not",
        ),
        ("cut off: 'ACC-1 and mo ...", "cut off: '...'"),
        ("nothing quoted, `tens-insight db init`", "nothing quoted, `tens-insight db init`"),
    ],
)
def test_what_a_message_quotes_is_not_told(said, told):
    assert without_quoted(said).startswith(told)


def test_severities_rise():
    assert SEVERITIES == ("info", "warning", "critical")
