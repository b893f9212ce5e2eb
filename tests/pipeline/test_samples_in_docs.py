"""The samples of four pages are what the commands print; WRITE_SAMPLES=1 writes them again.

A sample is a block that begins with "$ tens-insight". Runs are not repeated: what stands after
`$ tens-insight run` is left as it is, and its effect on the sample world is made otherwise. Sizes
in KiB are not compared: they differ with the stack and with the length of paths.
"""

import io
import os
import re
import shlex
from pathlib import Path

import pytest
from rich.console import Console

from components.model_gate.gate_check import SKIPPED
from pipeline.cli import run_cli
from pipeline.logs import import_tensorflow
from pipeline.settings import ConfigurationInvalid, load_settings
from pipeline.text.summary import render_checks
from serving_model.served.risk_bands import RiskBands
from tests.environment import unset_settings
from tests.pipeline import sample_world as world

DOCS = Path(__file__).parents[2] / "docs"
WRITE = os.environ.get("WRITE_SAMPLES") == "1"
BLOCK = re.compile(r"^```\n(\$ tens-insight .*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.+)$", re.MULTILINE)
SIZE = re.compile(r"\b\d+ KiB")
FEWER = world.ACCOUNTS[:15]


@pytest.fixture
def here(migrated_database, monkeypatch, tmp_path):
    """The sample world, and the current directory beside its state directory."""
    unset_settings(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "100")
    world.make_models(tmp_path / "var", monkeypatch)
    publisher = world.Publisher(migrated_database)
    publisher.day(0)
    publisher.day(1)
    return publisher


def by_hand(publisher: world.Publisher, command: str) -> None:
    """Does to the world what a run in a sample did."""
    if "--accept-shift" in command:
        publisher.day(2, FEWER, reason="60 % of the customers moved to the other product.")
    elif command.endswith("run score"):
        publisher.day(2, FEWER)


@pytest.mark.parametrize("page", ["accounts", "kubeflow", "models", "publications"])
def test_samples_are_what_the_commands_print(page, here, capsys, monkeypatch):
    if page == "models":
        import_tensorflow()
        monkeypatch.setattr(
            "pipeline.registry.comparison.evaluate_both", lambda *_, **__: world.evaluation()
        )
    if page == "publications":
        monkeypatch.setenv("COLUMNS", "150")
    path = DOCS / f"{page}.md"
    text = path.read_text(encoding="utf-8")
    shown = BLOCK.findall(text)
    assert shown
    for block in shown:
        text = text.replace(block, _printed(block, here, capsys), 1)
    if WRITE:
        path.write_text(text, encoding="utf-8")
    renewed, kept = (SIZE.sub("# KiB", one) for one in (text, path.read_text(encoding="utf-8")))
    assert kept == renewed, "if it is meant: WRITE_SAMPLES=1"


def _printed(block: str, here: world.Publisher, capsys: pytest.CaptureFixture[str]) -> str:
    """Returns the block with what its commands print now."""
    parts = COMMAND.split(block)
    out = ""
    for command, told in zip(parts[1::2], parts[2::2], strict=True):
        program, *arguments = shlex.split(command)
        if program != "tens-insight" or arguments[0] == "run":
            by_hand(here, command)
            out += f"$ {command}{told}"
            continue
        code = run_cli(arguments)
        said = capsys.readouterr()
        ended = f"[exit code {code}]\n" if code else ""
        out += f"$ {command}\n{said.out}{said.err}{ended}"
    return out


def test_the_checks_of_the_gate_look_like_the_sample(monkeypatch):
    stream = io.StringIO()
    gate = world.decision(world.NEW)
    monkeypatch.setenv("COLUMNS", "130")
    render_checks(gate, Console(file=stream, soft_wrap=True, markup=False, emoji=False))
    assert any(check.verdict == SKIPPED for check in gate.checks)
    page = DOCS / "gate.md"
    text = page.read_text(encoding="utf-8")
    first = re.search(r"^The checks of .*?(?=^```$)", text, re.MULTILINE | re.DOTALL)
    assert first is not None
    renewed = text.replace(first[0], stream.getvalue().lstrip("\n"), 1)
    if WRITE:
        page.write_text(renewed, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == renewed, "if it is meant: WRITE_SAMPLES=1"


@pytest.mark.parametrize(
    "bands",
    [
        RiskBands("probability"),
        RiskBands("lift", lifts=(1.5, 2.5, 4.0), base_rate=0.0813),
        RiskBands("capacity", capacity=(10, 40, 100)),
    ],
)
def test_each_rule_of_risk_bands_is_shown_as_it_is_said(bands):
    lines = (DOCS / "risk-bands.md").read_text(encoding="utf-8").splitlines()
    assert f"bands        {bands.describe()}" in lines


def test_the_error_about_risk_bands_is_the_one_that_is_raised(monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_RISK_BANDS", "capacity")
    with pytest.raises(ConfigurationInvalid) as caught:
        load_settings()
    page = " ".join((DOCS / "risk-bands.md").read_text(encoding="utf-8").split())
    assert f"Error: {caught.value}" in page


def test_a_stale_sample_would_be_seen(here, capsys):
    block = f"$ tens-insight account {world.RISKY}\nstale\n"
    assert "stale" not in _printed(block, here, capsys)
