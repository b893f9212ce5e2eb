"""Words of the database and of models in what a run, its status and its progress print."""

import io
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timezone
from typing import Any

import pytest
from rich.console import Console

from pipeline.runs.progress import Progress
from pipeline.runs.record import RunRecord
from pipeline.text.status import run_facts, run_lines
from pipeline.text.summary import print_facts, render_summary, render_tuning
from pipeline.text.terminal import console
from tests.pipeline.test_run_samples_in_docs import trained, tuned

ATTACK = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202e\u2028[bold]m[/bold] :smile:\r\nPublished 0"
OF_THE_CODE = {"verdict", "risk_category", "label_source", "data_checks", "kind", "state"}
"""Fields and keys whose words are those of the code, whatever database and model hold."""


def attacked(value: Any, name: str = "") -> Any:
    """Adds the attack to every text but dates, and those that the code itself compares with."""
    if name in OF_THE_CODE:
        return value
    if isinstance(value, str):
        compared = re.match(r"\d{4}-\d\d-\d\d|auc above chance|$", value)
        return value if compared else value + ATTACK
    if isinstance(value, list | tuple):
        return type(value)(attacked(one, name) for one in value)
    if isinstance(value, dict):
        return {key: attacked(one, str(key)) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        own = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
        return replace(value, **{key: attacked(one, key) for key, one in own.items()})
    return value


def status(out: Console) -> None:
    record = RunRecord(
        run_id="run-1", kind="score", state="failed", run_by="ann on jobs", pid=1, exit_code=8,
        started_at=datetime(2026, 6, 1, tzinfo=timezone.utc), state_dir="/srv/state",
        sentence="Nothing was published.", failed_node="AccountScorer", model_version="model-1",
        published=("Published 3 account scores.",), warnings=("one",), log="/srv/log", report="r",
    )  # fmt: skip
    run = attacked(record)
    print_facts(run_facts(run), out)
    for line in run_lines([run]):
        out.print(line)


def progress(out: Console) -> None:
    shown = Progress(out)
    shown.tell(f"warning: account {ATTACK}")
    with shown.step("Loading TFX"):
        pass


PRINTED: dict[str, Callable[[Console], None]] = {
    "the summary of a trained model": lambda out: render_summary(attacked(trained()), out),
    "what could not be shown": lambda out: render_summary(
        attacked(replace(trained(), not_shown="A lock was not granted.")), out
    ),
    "the summary of a tuning run": lambda out: render_tuning(attacked(tuned()), out),
    "the status of a run": status,
    "the progress of a run": progress,
}


@pytest.mark.parametrize("what", PRINTED)
def test_nothing_of_it_steers_the_terminal(what: str) -> None:
    stream = io.StringIO()
    out = console()
    out.file = stream
    PRINTED[what](out)
    text = stream.getvalue()
    found = {one for one in text if not one.isprintable() and one != "\n"}
    assert not found, [line for line in text.splitlines() if set(line) & found]
    assert "Published 0" not in text.splitlines()
    together = "".join(text.split())
    assert r"\x1b[31mred\x1b]0;title\x07" in together
    assert "[bold]m[/bold]:smile:" in together
