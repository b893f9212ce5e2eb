"""Nothing from a database steers the terminal, and tables fit it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipeline.text.plain_text import minute_of, table_lines
from pipeline.text.summary import print_facts
from pipeline.text.terminal import console, escape_controls, say, say_json

ROOT = Path(__file__).parents[3]
EVIL = "ACC\x1b[31m\u202e[bold]x[/bold] :smile:\x9b2J\r\n\u2028\x00\u2066\ufeff"
SHOWN = r"ACC\x1b[31m\u202e[bold]x[/bold] :smile:\x9b2J\r\n\u2028\x00\u2066\ufeff"


@given(st.text())
def test_what_is_shown_is_one_line_that_can_be_seen(text):
    shown = escape_controls(text)
    assert shown.isprintable()
    assert escape_controls(shown) == shown


def test_every_way_to_the_terminal_escapes(capsys):
    say(EVIL.replace("\n", ""))
    say_json({"id": EVIL})
    out = console()
    print_facts([("account", EVIL)], out)
    for line in table_lines([(EVIL, "1")], width=200):
        out.print(line)
    said = capsys.readouterr().out
    assert said.replace("\n", "").isprintable()
    assert said.count(SHOWN) == 2
    assert SHOWN.replace(r"\n", "") in said.splitlines()[0]


def test_colours_are_left_out_where_asked(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    say("red", style="red")
    console().print("bold", style="bold red")
    assert capsys.readouterr().out == "red\nbold\n"


def test_commands_print_by_these_functions_alone():
    ways = re.compile(r"click\.(echo|secho)\(|(?<![\w.])print\(|Console\(|sys\.std(out|err)\.write")
    allowed = {"pipeline/text/terminal.py"}
    exact = {
        ("pipeline/commands/db.py", "said"),  # for psql, to the letter
        ("pipeline/cli.py", "heading"),
        ("pipeline/api.py", "quiet=True"),
        ("pipeline/commands/accounts.py", "as_csv"),
    }
    found = [
        (str(path.relative_to(ROOT)), line.strip())
        for path in sorted((ROOT / "pipeline").rglob("*.py"))
        for line in path.read_text().splitlines()
        if ways.search(line)
    ]
    loose = [
        (path, line)
        for path, line in found
        if path not in allowed and not any(path == one and mark in line for one, mark in exact)
    ]
    assert loose == []


ROWS = [
    ("version", "trained (UTC)", "verdict", "a reason in many words"),
    ("20260601-bbbbbbbb", "2026-06-01 00:00", "not blessed", "because " * 12),
    ("20260501-aaaaaaaa", "2026-05-01 00:00", "blessed", "-"),
]


def test_a_wide_terminal_has_one_line_a_row():
    assert len(list(table_lines(ROWS, width=200))) == len(ROWS)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_tables_wrap_by_column(width):
    lines = list(table_lines(ROWS, indent="  ", width=width))
    assert max(map(cell_len, lines)) <= width
    text = " ".join(lines)
    for word in {word for row in ROWS for cell in row for word in cell.split()}:
        assert word in text


CHECKS = [
    ("check", "of", "value", "interval", "threshold", "verdict"),
    (
        "log_loss against the logistic_regression",
        "customer_tier enterprise",
        "0.0038",
        "[-0.012, 0.019]",
        "interval not wholly beyond 0.05",
        "passed",
    ),
]


def test_the_checks_of_the_gate_are_one_table_at_80_columns():
    lines = list(table_lines(CHECKS, indent="  ", whole=(3, 5), width=80))
    assert "" not in lines
    assert sum("check " in line for line in lines) == 1
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for word in ("logistic_", "regression", "enterprise", "[-0.012, 0.019]", "0.05"):
        assert word in text


def test_the_name_of_a_row_is_divided_only_where_it_must_be():
    name = "a_b/c=d" * 3
    lines = list(table_lines([(name, "word " * 30)], width=60))
    assert lines[0].startswith(f"{name}  word")
    assert len(list(table_lines([(name, "x" * 30)], width=60))) == 1


@given(
    st.lists(st.lists(st.text(max_size=90), min_size=1, max_size=9), min_size=1, max_size=4),
    st.integers(40, 120),
)
def test_no_table_is_wider_than_the_terminal(rows, width):
    lines = list(table_lines(rows, width=width))
    assert all(cell_len(line) <= width for line in lines)


def test_the_terminals_width_is_asked(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, table_lines(ROWS))) <= 60


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("2026-06-01T02:00:00+02:00", "2026-06-01 00:00 UTC"),
        ("2026-06-01T00:00:00", "2026-06-01 00:00 UTC"),
        ("", "-"),
        ("long ago", "long ago"),
    ],
)
def test_moments_have_one_format(recorded, shown):
    assert minute_of(recorded) == shown
