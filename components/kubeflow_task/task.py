"""What a task is told beside the parameters of its component, and how it names packaged files."""

import json
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any, Final

TASK: Final = "task"
RUN_ID: Final = "run_id"
RUN_ID_PLACEHOLDER: Final = "{{$.pipeline_job_uuid}}"
"""Kubeflow and Vertex put the id of the run in its place; it must be the whole value."""
ABSENT: Final = "absent"
"""Custom property of an artifact that stands for none: a task cannot leave out an output."""


@dataclass(frozen=True)
class Task:
    """A node of a compiled pipeline.

    Attributes:
        pipeline: Name of its pipeline.
        node: Its id.
        node_type: Path of its class, under which ML Metadata knows its executions.
        executor: Path of the executor that does the work.
    """

    pipeline: str
    node: str
    node_type: str
    executor: str

    def as_json(self) -> str:
        """Returns it as the text of a parameter."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Task":
        """Reads it back."""
        return cls(**json.loads(text))


_SCHEME: Final = "package://"


def reference(package: str, file: str) -> str:
    """Returns a name for a file of a package, such as package://transforms.schema/schema.pbtxt."""
    return f"{_SCHEME}{package}/{file}"


def resolved(value: Any) -> Any:
    """Returns the path that such a name means here; anything else as it is."""
    if not isinstance(value, str) or not value.startswith(_SCHEME):
        return value
    package, _, file = value.removeprefix(_SCHEME).partition("/")
    return str(resources.files(package) / file)
