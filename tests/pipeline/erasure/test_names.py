"""An id is found in each form in which texts hold it, and nothing else is taken for it."""

import csv
import html
import io
import json
import re
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree

import pytest
from google.protobuf import struct_pb2, text_format
from psycopg2.extensions import adapt

from components.feedback_example_gen.near_ids import shown
from components.page.blocks import Table
from components.page.environment import fragment
from components.publishing.copy_rows import _shown as value_shown
from components.registry.input_notes import told_spellings
from pipeline.erasure.names import is_distinctive, mentions, without
from pipeline.foreseen import _short
from pipeline.runs.run_table import _text
from pipeline.text.terminal import escape_controls

LONG = "ACC-very-long-" + "organisation-of-europe-" * 8 + "0001701"
IDS = (
    "ACC-001701",
    LONG,
    "ACC very long " + "organisation of Europe " * 8 + "0001701",
    'O\'Neil & "Söhne" <7>',
    "日本-1701" * 25,
    "back\\slash\\1701",
    "crm://accounts?id=1701&of=a+b#7",
    "tab\tand\nline 1701",
    "😀-customer-1701",
    "ACC\x1b[31m-\u202e1701\x07",
    "50%-off,1701;x=@/$",
    "{1701}.*[a-z]+(ACC)|^$",
    "ACC  1701 ",
)


def cell(text):
    table = Table.of("Accounts", ("Account",), [(text,)])
    return fragment("components.page", "table.j2", block=table)


def drawn(text):
    element = ElementTree.Element("text", {"aria-label": text})
    element.text = text
    return ElementTree.tostring(element, encoding="unicode")


def csv_line(text):
    csv.writer(file := io.StringIO()).writerow([text, "x"])
    return file.getvalue()


def message(text):
    return struct_pb2.Value(string_value=text)


FORMS = {
    "text": str,
    "repr": repr,
    "ascii": ascii,
    "bytes": lambda one: repr(one.encode()),
    "terminal": escape_controls,
    "JSON": json.dumps,
    "JSON as Unicode": lambda one: json.dumps(one, ensure_ascii=False),
    "JSON in JSON": lambda one: json.dumps({"sentence": json.dumps([one])}),
    "JSON of a repr": lambda one: json.dumps(repr(one)),
    "HTML": lambda one: html.escape(one, quote=True),
    "HTML of a repr": lambda one: html.escape(repr(one)),
    "HTML in HTML": lambda one: html.escape(html.escape(one)),
    "cell of a page": cell,
    "sentence of a page": lambda one: cell(f"account {shown(one)} complained"),
    "SVG": drawn,
    "URL": lambda one: f"/accounts/{quote(one, safe='')}/risk",
    "form of a URL": quote_plus,
    "SQL": lambda one: adapt(one).getquoted().decode("latin-1"),
    "CSV": csv_line,
    "proto as text": lambda one: text_format.MessageToString(message(one)),
    "JSON in a proto as text": lambda one: text_format.MessageToString(message(json.dumps([one]))),
    "proto as one line": lambda one: f"properties: {text_format.MessageToString(message(one), as_one_line=True, as_utf8=True)}",  # noqa: E501
    "after an escaped line end": lambda one: repr(f"such as\n{one}"),
    "wrapped": lambda one: re.sub(r" +", "\n      ", one),
    "near id": shown,
    "value at fault": value_shown,
    "error that is cut": lambda one: _short(ValueError(f"{'x' * 270} {one} {'y' * 99}")),
    "sentence that is cut": lambda one: _text(f"{'x' * 3_965} {one} {'y' * 99}"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_an_id_is_found_as_it_is_written(form):
    for account in IDS:
        if form == "SQL" and not account.isascii():
            continue  # psycopg2 asks a connection for the encoding
        text = FORMS[form](account)
        changed, count = without(account, text)
        assert count >= 1, (account, text)
        assert not mentions(account, changed)
        assert "1701" not in changed, (account, changed)
        assert "organisation" not in changed
        assert "[forgotten]" in changed


@pytest.mark.parametrize("account", [*IDS, "日本-1"])
def test_an_id_is_taken_for_nothing_else(account):
    texts = [f"'{account}'", f"x {account} y", account, f"\\n{account}", f"%20{account}"]
    others = [f"X{account}", f"x-{account}"] if account[0].isalnum() else []
    others += [f"{account}0", f"{account}-EU"] if account[-1].isalnum() else []
    assert not any(mentions(account, text) for text in others)
    assert [mentions(account, text) for text in texts] == [True] * 5


@pytest.mark.parametrize("account", ["1701", "acme", "日本"])
def test_what_may_be_a_count_or_a_word_is_found_in_quotes(account):
    assert not is_distinctive(account)
    for text in (f"'{account}'", f'"{account}"', json.dumps(f"'{account}'"),
                 html.escape(f"'{account}'"), html.escape(html.escape(f'"{account}"')),
                 cell(f"'{account}'"), repr(json.dumps([account]))):  # fmt: skip
        assert mentions(account, text), text
    for text in (f"{account} rows", f"<td>{account}</td>", f"'{account}0'", f"'x{account}'"):
        assert not mentions(account, text), text


def test_of_a_long_id_a_cut_begin_is_enough():
    for cut in (f"{LONG[:12]}…", f"{LONG[:60]}...", f"{LONG[:100]} ...", f"{LONG[:-1]}&hellip;",
                json.dumps(f"{LONG[:9]}…"), f"<text>{LONG[:29]}…</text>"):  # fmt: skip
        assert without(LONG, cut)[1] == 1, cut
        assert "ACC" not in without(LONG, cut)[0]
    for other in ("ACC-…", "ACC-very-lung…", f"X{LONG[:12]}…", f"{LONG[:12]}", "customer..."):
        assert not mentions(LONG, other)
        assert not mentions("customer-01701", other)


def test_another_spelling_that_is_named_beside_the_id_goes_too():
    pair = (("punctuation", 3, shown("acc1701"), shown("ACC-1701")),
            ("a suffix '@eu'", 9, shown("ACC-9@eu"), shown("ACC-9")))  # fmt: skip
    for text in (told_spellings(pair), json.dumps(pair), json.dumps(json.dumps(pair)),
                 cell(told_spellings(pair))):  # fmt: skip
        changed, count = without("ACC-1701", text)
        assert count == 1
        assert "acc1701" not in changed
        assert changed.count("ACC-9") == 2
        assert changed.count("[forgotten]") == 2


def test_a_long_text_is_searched_in_little_time():
    """A log file has megabytes."""
    text = "ACC-very-long-organisation-of-europe-0001702 complained, and so on.\n" * 50_000
    assert without(LONG, text) == (text, 0)
