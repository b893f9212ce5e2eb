"""Carries out the instructions of a Dockerfile, a root for each stage."""

import os
import shlex
import shutil
import time
from pathlib import Path
from typing import Final

from base_root import CERTIFICATES, base_root
from context import context_files
from dockerfile import Instruction, Stage
from paths import REPOSITORY, ROOTS, root_of
from roots import LOGIN_PATH, call, enter

_HANDED_THROUGH: Final = ("http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "UV_INDEX_URL")


def build(stages: list[Stage], python: Path | None) -> None:
    """Replays all stages, and says how long it took and how large the last root is.

    Args:
        stages: Of the Dockerfile.
        python: Prefix of the Python to take, or None to look for one.
    """
    began = time.monotonic()
    for stage in stages:
        base, root = base_root(stage.base, python), root_of(stage.name)
        print(f"FROM {stage.base}, replayed in {root}", flush=True)
        shutil.rmtree(root, ignore_errors=True)
        call("cp", "--archive", "--reflink=auto", str(base), str(root))
        _replay(stage, root)
    image = root_of(stages[-1].name)
    print(f"Replayed in {time.monotonic() - began:.0f} s.")
    for folder in (image, image / "opt/tens-insight"):
        print(f"{call('du', '-sm', str(folder)).split()[0]:>6} MB  {folder}")


def _replay(stage: Stage, root: Path) -> None:
    environment, folder = {"PATH": LOGIN_PATH, **_network()}, "/"
    for step in stage.instructions:
        began = time.monotonic()
        match step.name:
            case "RUN":
                _run(step, root, environment, folder)
            case "ENV":
                environment |= step.pairs
            case "WORKDIR":
                folder = step.text
                _inside(root, folder).mkdir(parents=True, exist_ok=True)
            case "COPY":
                _copy(step, root, folder)
        print(f"{time.monotonic() - began:6.1f} s  {step.name} {step.text[:70]}", flush=True)


def _run(step: Instruction, root: Path, environment: dict[str, str], folder: str) -> None:
    shell = ["sh", "-c", f"cd {shlex.quote(folder)} && {step.text}"]
    if code := enter(root, shell, environment, "0:0", cache=ROOTS / "cache"):
        raise SystemExit(f"RUN {step.text} ended with code {code}.")


def _copy(step: Instruction, root: Path, folder: str) -> None:
    source, destination = step.text.split()
    target = _inside(root, os.path.join(folder, destination))
    if stage := step.options.get("from"):
        # Linked: three gigabytes take minutes to copy, and no stage changes what another made.
        call("cp", "--archive", "--link", str(_inside(root_of(stage), source)), str(target))
        return
    for path in context_files():
        if source in (".", str(path)):
            file = target / (path if source == "." else path.name)
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / path, file)


def _inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _network() -> dict[str, str]:
    """How steps reach the network: as `docker build` hands its proxy arguments through."""
    given = {name: os.environ[name] for name in _HANDED_THROUGH if name in os.environ}
    return {**given, "SSL_CERT_FILE": CERTIFICATES, "PIP_CERT": CERTIFICATES}
