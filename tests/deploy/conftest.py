import sys
from pathlib import Path

# The replay is a program beside its modules, not a package.
sys.path.append(str(Path(__file__).parents[2] / "requirements/replay"))
