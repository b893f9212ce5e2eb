import io

import pytest
from rich.console import Console

from pipeline.runs.progress import Progress


def lines(console):
    return console.file.getvalue().splitlines()


@pytest.fixture
def console():
    return Console(file=io.StringIO(), force_terminal=False, width=80)


def test_elsewhere_than_on_a_terminal_each_step_is_one_plain_line(console):
    progress = Progress(console)
    for node in ("FeedbackExampleGen", "Transform"):
        with progress.step(node):
            pass
    assert [line.split()[0] for line in lines(console)] == ["FeedbackExampleGen", "Transform"]
    assert all(line.endswith(" s") for line in lines(console))


def test_a_step_that_fails_is_shown_as_stopped(console):
    with pytest.raises(RuntimeError, match="broken"), Progress(console).step("Reading"):
        raise RuntimeError("broken")
    assert lines(console)[0].split() == ["Reading", "stopped"]


def test_a_terminal_sees_the_step_while_it_runs_and_no_colour_is_respected(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    progress = Progress(console)
    with progress.step("Simulating"):
        progress.update("3 of 9")
    assert "Simulating" in console.file.getvalue()
    assert "\x1b[3" not in console.file.getvalue()
