import io
import logging

import pytest
from rich.console import Console
from tfx.orchestration.local import local_dag_runner

from pipeline.runs.progress import _FINISHED, _RUNNING, Progress


def lines(console):
    return console.file.getvalue().splitlines()


@pytest.fixture
def console():
    return Console(file=io.StringIO(), force_terminal=False, width=80)


def test_the_runner_still_says_what_we_listen_for():
    with open(local_dag_runner.__file__, encoding="utf-8") as source:
        text = source.read()
    assert f"logging.info('{_RUNNING}', node_id)" in text
    assert f"logging.info('{_FINISHED}', node_id)" in text


def test_elsewhere_than_on_a_terminal_each_step_is_one_plain_line(console):
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        with Progress(console).nodes():
            for node in ("FeedbackExampleGen", "Transform"):
                logger.info(_RUNNING, node)
                logger.info(_FINISHED, node)
    finally:
        logger.setLevel(level)
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
