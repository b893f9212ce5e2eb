"""The files that .dockerignore lets into a build."""

from collections.abc import Iterator
from pathlib import Path

from paths import REPOSITORY


def context_files(repository: Path = REPOSITORY) -> list[Path]:
    """Returns them, relative to the repository.

    Raises:
        SystemExit: .dockerignore has patterns beside `*`, `!NAME` and `**/NAME`.
    """
    lines = (repository / ".dockerignore").read_text("utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    named = [line[1:] for line in patterns if line.startswith("!")]
    unwanted = {line[3:] for line in patterns if line.startswith("**/")}
    other = [line for line in patterns if not line.startswith(("!", "**/"))]
    if other != ["*"]:
        raise SystemExit(f".dockerignore: only `*`, `!NAME` and `**/NAME` are read, not {other}.")
    found = [path for name in named for path in _files(repository, name)]
    return sorted(path for path in found if not unwanted & set(path.parts))


def _files(repository: Path, name: str) -> Iterator[Path]:
    place = repository / name
    for path in [place] if place.is_file() else place.rglob("*"):
        if path.is_file():
            yield path.relative_to(repository)
