"""The exit code of a run that published."""

from types import SimpleNamespace

import pytest

from pipeline.runs.run import code_of


@pytest.mark.parametrize(
    ("blessed", "strict", "code"),
    [(True, True, 0), (True, False, 0), (False, False, 0), (False, True, 10), (None, True, 0)],
)
def test_strict_makes_a_refused_challenger_a_failed_run(blessed, strict, code):
    gate = None if blessed is None else SimpleNamespace(blessed=blessed)
    assert code_of(gate, strict=strict) == code
