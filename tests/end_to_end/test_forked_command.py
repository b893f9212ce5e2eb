"""A fork is what a fresh process would be: nothing of the tests' own process reaches it."""

import os
import sys

import pytest

from tests.forked_command import run_fresh, run_module

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

PROGRAM = """
import os, sys
print(sorted(os.environ), os.getcwd(), sys.argv[1:], __name__)
os.environ["LEFT_BEHIND"] = "1"
os.write(2, b"from below Python\\n")
sys.exit({ending})
"""


@pytest.mark.parametrize("ending", ["0", "3", "'a sentence'", "None", "1 / 0"])
def test_a_fork_says_and_ends_as_a_fresh_process_does(tmp_path, monkeypatch, ending):
    monkeypatch.setenv("OF_THE_TESTS", "1")
    (tmp_path / "program.py").write_text(PROGRAM.format(ending=ending))
    environment = {"PATH": os.environ["PATH"], "GIVEN": "ü", "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "program", "--one", "two words"]
    fresh = run_fresh(command, environment, tmp_path)
    forked = run_module(command[2], command[3:], environment, tmp_path)
    assert "'--one', 'two words'" in fresh.out
    assert (forked.code, forked.out) == (fresh.code, fresh.out)
    assert forked.err.splitlines()[0] == fresh.err.splitlines()[0] == "from below Python"
    assert forked.err.splitlines()[-1] == fresh.err.splitlines()[-1]


def test_a_fork_has_tfx_loaded_and_no_thread_of_python_beside_its_own(tmp_path):
    (tmp_path / "program.py").write_text(
        "import sys, threading\n"
        "print('tfx.components' in sys.modules, threading.active_count())\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('conftest', 'tests')])\n"
    )
    forked = run_module("program", [], {"PATH": os.environ["PATH"]}, tmp_path)
    assert forked.out.splitlines() == ["True 1", "[]"], forked.err


def test_a_fork_leaves_no_code_that_autograph_wrote(tmp_path):
    (tmp_path / "program.py").write_text(
        "import tensorflow as tf\n"
        "def grow(x):\n"
        "    while x < 9:\n"
        "        x *= 2\n"
        "    return x\n"
        "print(tf.autograph.to_graph(grow)(3))\n"
        "import sys\n"
        "(name,) = [one for one in sys.modules if one.startswith('__autograph_generated_file')]\n"
        "print(sys.modules[name].__file__, sys.modules[name].__cached__, sep='\\n')\n"
    )
    forked = run_module("program", [], {"PATH": os.environ["PATH"]}, tmp_path)
    result, *files = forked.out.splitlines()
    assert result == "12", forked.err
    assert len(files) == 2
    assert [path for path in files if os.path.exists(path)] == []
