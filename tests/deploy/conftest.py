import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The replay is a program beside its modules, not a package.
sys.path.append(str(ROOT / "requirements/replay"))


@pytest.fixture
def root():
    return ROOT
