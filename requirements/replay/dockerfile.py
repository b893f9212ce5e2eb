"""Reads the few instructions that the project's Dockerfile uses, and refuses all others."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_OPTIONS_OF: Final = {"COPY": ("from",)}
_KNOWN: Final = frozenset(
    "FROM RUN COPY ENV WORKDIR USER VOLUME HEALTHCHECK STOPSIGNAL ENTRYPOINT CMD".split()
)


class DockerfileRefused(ValueError):
    """An instruction, or a way to write it, that is not read here."""


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        name: In capitals.
        text: What follows it, on one line, without options.
        options: Value by name, such as the stage by "from".
    """

    name: str
    text: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def pairs(self) -> dict[str, str]:
        """The NAME=VALUE pairs of an ENV."""
        return dict(word.split("=", 1) for word in shlex.split(self.text))

    @property
    def words(self) -> list[str]:
        """The words of an ENTRYPOINT or CMD, which is a JSON list."""
        return list(json.loads(self.text))


@dataclass(frozen=True)
class Stage:
    """A FROM and what follows it.

    Attributes:
        name: After AS, or "" for the last stage.
        base: Image that the stage starts from.
        instructions: In order, without the FROM.
    """

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)


def read_dockerfile(path: Path) -> list[Stage]:
    """Returns the stages of a Dockerfile.

    Raises:
        DockerfileRefused: Names the line that is not understood.
    """
    lines = [line for line in path.read_text("utf-8").splitlines() if not _is_comment(line)]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line.strip():
            _add(_read(line), stages)
    return stages


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _read(line: str) -> Instruction:
    name, _, text = line.partition(" ")
    options: dict[str, str] = {}
    while option := re.match(r"--([a-z]+)=(\S+)\s+", text):
        options[option[1]] = option[2]
        text = text[option.end() :]
    if name not in _KNOWN or not set(options) <= set(_OPTIONS_OF.get(name, ())):
        raise DockerfileRefused(
            f"{line!r} is not replayed: known are {', '.join(sorted(_KNOWN))}, and COPY --from=."
        )
    return Instruction(name, text.strip(), options)


def _add(instruction: Instruction, stages: list[Stage]) -> None:
    if instruction.name == "FROM":
        base, *alias = re.split(r"\s+AS\s+", instruction.text)
        stages.append(Stage(alias[0] if alias else "", base))
    elif not stages:
        raise DockerfileRefused(f"{instruction.name} stands before the first FROM.")
    else:
        stages[-1].instructions.append(instruction)
