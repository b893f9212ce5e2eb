"""Each file of a state directory broken once: a campaign of bench/torture.py."""

import contextlib
import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench.torture_blows import Tally
from bench.torture_ground import Ground
from components.registry.artifact_names import saved_model_path
from components.registry.model_properties import ModelProperties
from pipeline.cli import run_cli
from pipeline.registry.state_places import record_place, require_own_artifacts
from pipeline.runs.attempt import attempted
from pipeline.settings import load_settings
from serving_model.served.model_hash import saved_model_sha256

_MODEL: Final = "model-of-torture"
_FILES: Final = ("saved_model.pb", "variables/variables.index", "assets/tier")
_STORE: Final = "metadata.sqlite"
_SOUND, _UNUSABLE, _NO_FEEDBACK = 0, 6, 7


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes() or b"\0")  # of an empty one there is no bit
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _garbage(path: Path) -> None:
    path.write_bytes(os.urandom(9_999))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _gone(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


_HARMS: Final = (_cut, _garbage, _empty, _gone, _folder, _flip)


def break_state_files(ground: Ground, times: int) -> Tally:
    """Breaks each file of a state directory in each way: a sentence, a documented code.

    Args:
        ground: Gives processes.
        times: Breakages at least; each file is broken in each way in any case.
    """
    tally, whole = Tally(), ground.folder / "state-whole"
    tally.must_succeed(ground.fork(lambda: _make(whole)))
    paths = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    cases = [(path, harm) for path in paths for harm in _HARMS]
    broken = ground.folder / "state-broken"
    for number in range(max(times, len(cases)) if times > 1 else 1):
        path, harm = cases[number % len(cases)]
        shutil.rmtree(broken, ignore_errors=True)
        shutil.copytree(whole, broken)
        harm(broken / path)
        child = ground.fork(_asking(broken, path, harm))
        tally.struck += 1
        if child.wait() != 0:
            said = child.said.read_text(errors="replace").strip().splitlines()
            tally.others.append(f"{path} {harm.__name__.strip('_')}: {said[-1] if said else '-'}")
    return tally


def _asking(state_dir: Path, path: Path, harm: Callable[[Path], None]) -> Callable[[], None]:
    """Returns work that fails unless commands say what is to be said of the breakage."""

    def ask() -> None:
        os.environ["TENS_INSIGHT_STATE_DIR"] = str(state_dir)
        is_store, of_model = path.name == _STORE, "Format-Serving" in path.parts
        allowed = {_SOUND, _UNUSABLE} if harm is _flip else {_UNUSABLE} if is_store else {_SOUND}
        for command in (["models", "list"], ["status"], ["models", "show", _MODEL]):
            code, said = _said(command)
            assert "Traceback" not in said, f"a traceback of {command}"
            assert code in allowed, f"code {code} of {command}"
        if of_model:
            assert "WARNING" in said, "models show does not warn"

    return ask


_ROOM_KIB: Final = (0, 4, 16, 40, 64, 100)
"""Room on the disk in the cases of `fill_disk`."""


def fill_disk(ground: Ground, times: int) -> Tally:
    """Gives a run a disk of a few KiB, a real one, and then more: a sentence, and the next works.

    Args:
        ground: Gives processes.
        times: Runs on a full disk.
    """
    tally, disk = Tally(), ground.folder / "disk"
    disk.mkdir()
    for number in range(times):
        room = _ROOM_KIB[number % len(_ROOM_KIB)]
        mounted = _mount(disk, "size=8m")
        if mounted:
            tally.skipped = f"no file system can be mounted here: {mounted}"
            return tally
        try:
            kind = ("score", "train", "tune")[number % 3]
            child = ground.fork(_running_out(disk, room, kind))
            tally.struck += 1
            if child.wait() != 0:
                said = child.said.read_text(errors="replace").strip().splitlines()
                tally.others.append(f"{room} KiB, run {kind}: {said[-1] if said else '-'}")
        finally:
            subprocess.run(["umount", str(disk)], check=True)  # noqa: S607 -- where it lies differs
    return tally


def _mount(disk: Path, options: str) -> str:
    """Mounts a file system in memory; returns why not, empty if it is there."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tens-insight-torture", str(disk)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""


def _running_out(disk: Path, room_kib: int, kind: str) -> Callable[[], None]:
    """Returns work that fails unless a run says that the disk is full, and another one works."""

    def run() -> None:
        state, filler = disk / "state", disk / "filler"
        state.mkdir()
        os.environ["TENS_INSIGHT_STATE_DIR"] = str(state)
        free = os.statvfs(disk)
        filler.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - room_kib * 1024)))
        code, said = _said(["run", kind])
        assert "Traceback" not in said, "a traceback"
        # The database has no feedback: a run that has room ends with that.
        assert (code == _UNUSABLE and "No space left" in said) or code == _NO_FEEDBACK, said
        assert code == _UNUSABLE or room_kib, "a full disk was not noticed"
        filler.unlink()
        for command, wanted in ((["run", kind], _NO_FEEDBACK), (["status"], _SOUND)):
            code, said = _said(command)
            assert code == wanted, f"code {code} of {command} with room again: {said}"

    return run


def _said(command: list[str]) -> tuple[int, str]:
    """Runs a command; returns its code and what it printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = run_cli(command)
    return code, out.getvalue()


def _make(folder: Path) -> None:
    """Makes a state directory with a run and a model, without training."""
    os.environ["TENS_INSIGHT_STATE_DIR"] = str(folder)
    settings = load_settings()
    with attempted("train", settings) as attempt:
        attempt.complete()
        store = _store(settings.metadata_path)
        mark = require_own_artifacts(store, settings.pipeline_root)
        record_place(store, mark, settings.state_dir)  # the copies are this one, moved
        _record_model(store, settings.pipeline_root / "made-up" / "ModelTrainer" / "model" / "1")


def _record_model(store: Any, uri: Path) -> None:
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    exported = Path(saved_model_path(str(uri)))
    for name in _FILES:
        (exported / name).parent.mkdir(parents=True, exist_ok=True)
        (exported / name).write_text(name * 99)
    kind = store.put_artifact_type(mlmd.ArtifactType(name=ModelProperties.TYPE_NAME))
    model = mlmd.Artifact(type_id=kind, uri=str(uri), state=mlmd.Artifact.LIVE)
    ModelProperties(
        model_version=_MODEL,
        as_of="2026-01-01T00:00:00+00:00",
        saved_model_sha256=saved_model_sha256(str(exported)),
    ).write(model)
    store.put_artifacts([model])


def _store(path: Path) -> Any:
    from pipeline.registry.metadata_store import connect_store, connection_config

    return connect_store(path, connection_config(path))
