"""What commands set for TensorFlow: one thread an operation, and memory that is given back."""

import os
import subprocess
import sys

import pytest

from pipeline.cli import run_cli
from serving_model.served.tensorflow_variables import VARIABLES


@pytest.mark.parametrize("before", [None, "other"])
@pytest.mark.parametrize("name", VARIABLES)
def test_a_command_sets_them_unless_told_otherwise(
    name: str, before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "restored after the test")
    del os.environ[name]
    if before is not None:
        os.environ[name] = before
    assert run_cli(["--help"]) == 0
    assert os.environ[name] == (before or VARIABLES[name])


HELD = """
import sys
from serving_model.served.tensorflow_variables import set_tensorflow_variables
set_tensorflow_variables()
import tensorflow as tf
from components.memory import give_back, status_mib
kept = [tf.random.uniform([1_000_000]) + 1 for _ in range(60)]
held = status_mib("VmRSS")
del kept
give_back()
print(held - status_mib("VmRSS"))
"""


def test_tensorflow_gives_back_what_tensors_held() -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name in VARIABLES:
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", HELD], capture_output=True, text=True, check=True, env=environment
    )
    assert float(done.stdout) > 200  # of 229 MiB
