"""A report that was cut short goes on; one that measures nothing says which code did."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import quality_report
from bench.fingerprint import fingerprint
from tests.bench.quality_results import ORIGIN, result

WORLD = "world of 2 %"


class Measured:
    """Stands for the processes that measure: what was asked of them, and a result of each."""

    def __init__(self, broken: str = "") -> None:
        self.asked: list[str] = []
        self.broken = broken

    def run(self, command: list[str], **_: Any) -> None:
        (file,) = (Path(word[7:]) for word in command if word.startswith("--json="))
        name = WORLD if "--rate=2" in command else "cdnow"
        self.asked.append(name)
        assert f"--predictions={file.with_suffix('.parquet')}" in command
        if name != self.broken:
            origin = replace(ORIGIN, fingerprint=fingerprint())
            result(name, origin=origin).write(file)


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    def run(measured: Measured, *words: str) -> tuple[int, str]:
        monkeypatch.setattr(subprocess, "run", measured.run)
        page, kept = tmp_path / "page.md", tmp_path / "kept"
        options = ["cdnow", "--rates=2", f"--results={kept}", f"--page={page}", *words]
        return quality_report.main(options), page.read_text(encoding="utf-8")

    return run


def test_what_is_missing_is_measured_and_the_rest_is_kept(
    report: Callable[..., tuple[int, str]],
) -> None:
    code, text = report(first := Measured(broken=WORLD))
    assert (code, first.asked) == (1, ["cdnow", WORLD])
    assert f"- {WORLD} could not be measured\n" in text
    code, text = report(second := Measured())
    assert (code, second.asked) == (0, [WORLD])
    assert f"## {WORLD}\n" in text
    assert "- cdnow, world of 2 %: commit 123; code version def" in text


def test_figures_of_other_code_are_measured_again_unless_the_page_alone_is_asked_for(
    report: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    report(Measured())
    older = replace(ORIGIN, commit="older")
    result("cdnow", origin=older).write(tmp_path / "kept" / "cdnow.json")
    code, text = report(none := Measured(), "--kept")
    assert (code, none.asked) == (0, [])
    assert "- cdnow: commit older; code version def" in text
    assert report(again := Measured())[0] == 0
    assert again.asked == ["cdnow"]


def test_a_file_that_was_cut_short_is_measured_again(
    report: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    report(Measured())
    (tmp_path / "kept" / "cdnow.json").write_text('{"name": "cd', encoding="utf-8")
    report(again := Measured())
    assert again.asked == ["cdnow"]
