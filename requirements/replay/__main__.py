"""Replays the Dockerfile in Debian 13 roots, where there is no container engine.

    python requirements/replay build [--python PREFIX]
    python requirements/replay run [--read-only] [-e NAME=VALUE] -- run train

`build` carries out each stage's instructions, in order, in a root of its own, and refuses those
it does not know. A root made by debootstrap, with a Python of this machine under /usr/local,
stands in for python:X.Y.Z-slim-trixie. `run` starts what the image starts: its entry point, as
its user, with its environment and no other, as process 1.

Needs root and debootstrap. Roots are kept in REPLAY_ROOT, outside of the repository.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from dockerfile import Stage, read_dockerfile
from paths import REPOSITORY, root_of
from roots import LOGIN_PATH, enter, in_folder
from stages import build


def main() -> int:
    """Carries out `build` or `run`; returns the exit code of the program that ran last."""
    given = _read_arguments()
    stages = read_dockerfile(REPOSITORY / "Dockerfile")
    if given.command == "run":
        return run(stages[-1], given)
    build(stages, given.python)
    return 0


def run(stage: Stage, given: argparse.Namespace) -> int:
    """Runs the image's entry point, or another program, and returns its exit code."""
    environment, user, folder = {"PATH": LOGIN_PATH}, "0:0", "/"
    words: dict[str, list[str]] = {}
    for step in stage.instructions:
        match step.name:
            case "ENV":
                environment |= step.pairs
            case "USER":
                user = step.text
            case "WORKDIR":
                folder = step.text
            case "ENTRYPOINT" | "CMD":
                words[step.name] = step.words
    environment |= dict(pair.split("=", 1) for pair in given.env)
    entry = [given.entrypoint] if given.entrypoint else words["ENTRYPOINT"]
    arguments = given.arguments or ([] if given.entrypoint else words["CMD"])
    command = in_folder(folder, [*entry, *arguments])
    return enter(root_of(stage.name), command, environment, user, read_only=given.read_only)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="replay", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    builder = commands.add_parser("build", help="make the image's root, by the Dockerfile")
    builder.add_argument("--python", type=Path, help="prefix of a Python of the image's version")
    runner = commands.add_parser("run", help="start what the image starts")
    runner.add_argument("--read-only", action="store_true", help="all but /state and /tmp")
    runner.add_argument("-e", dest="env", action="append", default=[], metavar="NAME=VALUE")
    runner.add_argument("--entrypoint", help="a program in place of the image's")
    runner.add_argument("arguments", nargs="*", help="in place of the image's CMD")
    given = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        parser.error("this needs root, and debootstrap (Debian's package of that name)")
    return given


if __name__ == "__main__":
    sys.exit(main())
