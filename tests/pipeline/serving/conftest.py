"""What tests of the server share."""

import importlib.util

if importlib.util.find_spec("starlette") is None:  # an environment from before `make setup`
    collect_ignore_glob = ["test_*.py"]
