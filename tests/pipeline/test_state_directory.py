"""Which folder holds the state, who may read it, and what is said where others own it."""

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline import setting_groups
from pipeline.cli import run_cli
from pipeline.exit_codes import CONFIGURATION_INVALID, USAGE
from pipeline.registry.registry import Registry
from pipeline.settings import ConfigurationInvalid, load_settings
from pipeline.state_directory import describe_state_dir, open_state_dir, require_own_files

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("tens-insight")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of two users")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENS_INSIGHT_STATE_DIR", raising=False)
    monkeypatch.delenv("TENS_INSIGHT_CONFIG", raising=False)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may pass, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="tens-insight-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def test_the_default_does_not_depend_on_where_one_stands(tmp_path: Path) -> None:
    told = set()
    for place in (tmp_path, ROOT, Path("/")):
        command = [PROGRAM, "explain-config", "--json"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
        values = {row["name"]: row["value"] for row in json.loads(done.stdout)["settings"]}
        told.add(values["state_dir"])
    assert told == {str(ROOT / "var")}


def test_an_installed_package_keeps_its_state_where_xdg_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(setting_groups, "_CODE", tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    here = Path("/home/somebody/.local/state/tens-insight")
    assert load_settings().state_dir == here
    monkeypatch.setenv("XDG_STATE_HOME", "relative")  # to be ignored, the specification says
    assert load_settings().state_dir == here
    monkeypatch.setenv("XDG_STATE_HOME", "/var/lib/state")
    assert load_settings().state_dir == Path("/var/lib/state/tens-insight")
    assert "the default" in describe_state_dir(load_settings())
    assert describe_state_dir(load_settings(state_dir="/a")) == "/a, as set"


def test_an_unknown_home_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", "~no-such-user/state")
    with pytest.raises(ConfigurationInvalid, match=r"state_dir .* no home directory"):
        load_settings()


def test_a_run_closes_what_is_ours_and_leaves_the_folder_of_others(tmp_path: Path) -> None:
    given = tmp_path / "given"
    for name in ("logs", "pipeline_root"):
        (given / name).mkdir(parents=True)
    (given / "metadata.sqlite").touch()
    given.chmod(0o755)
    open_state_dir(load_settings(state_dir=given))
    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in given.iterdir()}
    assert modes == {"logs": "0o700", "pipeline_root": "0o700", "metadata.sqlite": "0o600"}
    assert stat.S_IMODE(given.stat().st_mode) == 0o755
    made = tmp_path / "new" / "state"
    open_state_dir(load_settings(state_dir=made))
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def said_by_nobody(act: Callable[[], object]) -> str:
    """Returns what ConfigurationInvalid says in a fork that runs as the user nobody."""
    readable, writable = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setgid(pwd.getpwnam("nobody").pw_gid)
            os.setuid(pwd.getpwnam("nobody").pw_uid)
            act()
        except ConfigurationInvalid as error:
            os.write(writable, str(error).encode())
        except BaseException as error:
            os.write(writable, repr(error).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writable)
    with open(readable, encoding="utf-8") as answer:
        return answer.read()


@as_root
@pytest.mark.parametrize(
    "theirs",
    ["logs", "metadata.sqlite", "pipeline_root/tens-insight-train/ModelTrainer/model/11", "."],
)
def test_files_that_root_left_are_named_with_the_way_out(folder: Path, theirs: str) -> None:
    state = folder / "state"
    (state / theirs).mkdir(parents=True)
    for path in [state, *state.rglob("*")]:
        shutil.chown(path, "nobody")
    shutil.chown(state / theirs, "root")
    (state / theirs).chmod(0o700)
    said = said_by_nobody(lambda: open_state_dir(load_settings(state_dir=state)))
    if theirs == ".":
        assert said.startswith(f"Setting state_dir is {state}, where nothing can be written")
    else:
        assert f"files of another user: {state / theirs} of root, and this command runs" in said
        assert f"chown -R nobody {state / Path(theirs).parts[0]};" in said
    assert "TENS_INSIGHT_STATE_DIR" in said


@as_root
def test_root_leaves_no_files_among_those_of_another_user(folder: Path) -> None:
    (folder / "logs").mkdir()
    (folder / "postgres").mkdir()
    shutil.chown(folder / "postgres", "nobody")  # the embedded server's own
    require_own_files(folder)
    shutil.chown(folder / "logs", "nobody")
    with pytest.raises(ConfigurationInvalid, match="of nobody, and this command runs as root"):
        require_own_files(folder)


@as_root
def test_a_command_that_only_reads_needs_no_right_to_write(folder: Path) -> None:
    path = folder / "metadata.sqlite"
    path.touch()
    path.chmod(0o600)
    assert "may not read it" in said_by_nobody(lambda: Registry(path))
    (folder / "closed").mkdir(mode=0o700)
    assert "may not read it" in said_by_nobody(lambda: Registry(folder / "closed" / "m.sqlite"))


@as_root
def test_mixed_owners_end_with_the_code_of_a_wrong_setting(
    folder: Path, migrated_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "logs").mkdir()
    shutil.chown(folder / "logs", "nobody")
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(folder))
    for kind in ("train", "score", "tune"):
        assert run_cli(["run", kind]) == CONFIGURATION_INVALID
    assert run_cli(["models", "show", "v1"]) == USAGE
    for command in (["models", "unpin"], ["compile"], ["report", "--compare", "a", "b"]):
        assert run_cli(command) == CONFIGURATION_INVALID
    monkeypatch.delenv("DATABASE_URL")
    assert run_cli(["db", "check"]) == CONFIGURATION_INVALID
    assert run_cli(["demo", "start"]) == CONFIGURATION_INVALID
