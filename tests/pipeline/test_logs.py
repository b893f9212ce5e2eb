"""An import is quiet, also where compiled code writes to the file descriptor itself."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.logs import log_to_file, logging_restored

NOISE = 'import os\nos.write(2, b"greetings\\n")\n'


def test_a_log_file_on_a_full_disk_is_told_once_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.log").symlink_to("/dev/full")
    with logging_restored():
        log_to_file(tmp_path / "train.log")
        for _ in range(3):
            logging.getLogger("apache_beam").error("%s", "x" * 99_999)
        told = capsys.readouterr().err
        assert told.count("cannot be written: [Errno 28] No space left on device") == 1
        assert "Traceback" not in told
        assert "Logging error" not in told


def run(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    program = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from pipeline.logs import import_quietly\n" + program
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "loud").mkdir()
    (tmp_path / "loud" / "__init__.py").write_text(NOISE + "PATH = __path__\n")
    (tmp_path / "loud" / "part.py").write_text("VALUE = 7\n")
    (tmp_path / "broken.py").write_text(NOISE + "raise OSError('no such library')\n")
    return tmp_path


def test_what_it_says_is_kept_aside_and_what_comes_later_is_not(folder: Path) -> None:
    done = run(
        folder,
        "import_quietly('loud'); import_quietly('loud')\n"
        "from loud.part import VALUE\n"
        "import loud, os\n"
        "assert VALUE == 7 and loud.PATH == loud.__path__\n"
        "os.write(2, b'afterwards')",
    )
    assert (done.returncode, done.stderr) == (0, "afterwards")


def test_without_it_the_noise_is_heard(folder: Path) -> None:
    assert run(folder, "import loud").stderr == "greetings\n"


def test_it_is_logged(folder: Path) -> None:
    done = run(
        folder,
        "import logging; logging.basicConfig(level='INFO', stream=sys.stdout)\n"
        "import_quietly('loud')",
    )
    assert (done.stdout.strip(), done.stderr) == (
        "INFO:pipeline.logs:loud: greetings",
        "",
    )


def test_where_the_import_fails_it_is_shown(folder: Path) -> None:
    done = run(folder, "import_quietly('broken')")
    assert done.returncode == 1
    assert done.stderr.startswith("broken: greetings\nTraceback")
    assert "OSError: no such library" in done.stderr


def test_a_module_that_does_not_exist_is_not_found(folder: Path) -> None:
    done = run(folder, "import_quietly('nowhere')")
    assert "ModuleNotFoundError: No module named 'nowhere'" in done.stderr


def test_a_closed_standard_error_does_no_harm(folder: Path) -> None:
    (folder / "silent.py").write_text("")
    done = run(folder, "import os; os.close(2); import_quietly('silent'); print(1)")
    assert (done.returncode, done.stdout) == (0, "1\n")


@pytest.mark.slow
def test_tensorflow_is_loaded_without_a_word_or_the_garbage_collector() -> None:
    program = (
        "import gc, sys; from pipeline.loading import loading_tfx\n"
        "with loading_tfx(): print(gc.isenabled(), 'tensorflow' in sys.modules)\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 100_000)\n"
        "kept = gc.get_freeze_count(); more = [[] for _ in range(1000)]\n"
        "with loading_tfx(): pass\n"
        "print(gc.get_freeze_count() <= kept)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False True\nTrue True\nTrue\n", "")
