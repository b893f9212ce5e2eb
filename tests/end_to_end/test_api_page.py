"""The example of docs/api.md, as it stands there, where a model was trained and published."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PAGE = Path(__file__).parents[2] / "docs/api.md"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="training")]


@pytest.fixture
def copied_installation(installation, trained, postgres_server, tmp_path):
    """The environment of a copy of the trained one, so that other tests see no further run."""
    del trained  # ran
    name = postgres_server.create_database(urlsplit(installation.admin_url).path.lstrip("/"))
    shutil.copy(installation.state_dir / "metadata.sqlite", tmp_path)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TENS_INSIGHT_")}
    try:
        yield kept | {
            "DATABASE_URL": postgres_server.url(name),
            "TENS_INSIGHT_STATE_DIR": str(tmp_path),
        }
    finally:
        postgres_server.drop_database(name)


def test_the_example_scores_and_says_what_follows_what(copied_installation, published_by_training):
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", example], env=copied_installation, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    accounts, follows = done.stdout.splitlines()
    assert re.fullmatch(r"(\d+) accounts, scored by model [0-9a-f-]+", accounts)
    assert int(accounts.split()[0]) == len(published_by_training)
    after, before = re.fullmatch(r"publication (\d+) follows (\d+)", follows).groups()
    assert int(after) > int(before)
