"""Commands let each operation of TensorFlow use one thread, whatever the processors."""

import os

import pytest

from pipeline.cli import run_cli
from serving_model.served.threads import VARIABLE


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("3", "3")])
def test_a_command_uses_one_thread_an_operation_unless_told_otherwise(
    before: str | None, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "restored after the test")
    del os.environ[VARIABLE]
    if before is not None:
        os.environ[VARIABLE] = before
    assert run_cli(["--help"]) == 0
    assert os.environ[VARIABLE] == after
