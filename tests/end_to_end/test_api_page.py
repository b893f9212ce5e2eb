"""The example of docs/api.md, as it stands there, where a model was trained and published."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import SMALLEST_BLESSED

PAGE = Path(__file__).parents[2] / "docs/api.md"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]


def test_the_example_scores_and_says_what_follows_what(copied_installation, published_by_training):
    environment = copied_installation.environment(SMALLEST_BLESSED)
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", example], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    accounts, follows = done.stdout.splitlines()
    assert re.fullmatch(r"(\d+) accounts, scored by model [0-9a-f-]+", accounts)
    assert int(accounts.split()[0]) == len(published_by_training)
    after, before = re.fullmatch(r"publication (\d+) follows (\d+)", follows).groups()
    assert int(after) > int(before)
