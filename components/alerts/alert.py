"""An alert, and the kinds of alerts that there are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from components.errors import did_you_mean

Severity = Literal["info", "warning", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")
"""From the least on."""
RUNBOOK: Final = "docs/operations.md"
_LONGEST_KEY: Final = 300
_LONGEST_SENTENCE: Final = 2_000
_QUOTED: Final = re.compile(r"(?<!\w)'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_OPEN_QUOTE: Final = re.compile(r"(?<!\w)['\"].*", re.DOTALL)


@dataclass(frozen=True)
class Kind:
    """A kind of alert.

    Attributes:
        name: What tables, commands and messages call it.
        severity: Unless an alert has one of its own.
        meaning: One sentence.
        anchor: Of the section of docs/operations.md that says what to do.
        lasts: Whether it is open until it no longer holds; else it is a message, told once.
    """

    name: str
    severity: Severity
    meaning: str
    anchor: str
    lasts: bool = True


def _kind(name: str, severity: Severity, meaning: str, *, lasts: bool = True) -> Kind:
    return Kind(name, severity, meaning, anchor=name, lasts=lasts)


RUN_FAILED: Final = "run_failed"
RUN_MISSED: Final = "run_missed"
DATA_GATE_STOPPED: Final = "data_gate_stopped"
BREAKER_REFUSED: Final = "breaker_refused"
DATABASE_UNREACHABLE: Final = "database_unreachable"
METADATA_UNREACHABLE: Final = "metadata_unreachable"
MODEL_NOT_LOADABLE: Final = "model_not_loadable"
ODD_SCORES: Final = "odd_scores"
DRIFT: Final = "drift"
PERFORMANCE_LOW: Final = "performance_low"
SCORES_STALE: Final = "scores_stale"
FOREIGN_WRITER: Final = "foreign_writer"
DISK_NEARLY_FULL: Final = "disk_nearly_full"
STREAM_BEHIND: Final = "stream_behind"
CHALLENGER_REFUSED: Final = "challenger_refused"
SINK_FAILED: Final = "sink_failed"
POLICY_ACT: Final = "policy_act"

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            _kind(RUN_FAILED, "critical", "The last run of its kind did not come to its end."),
            _kind(RUN_MISSED, "critical", "No run began when one was due."),
            _kind(DATA_GATE_STOPPED, "critical", "The data gate stopped the last run."),
            _kind(BREAKER_REFUSED, "critical", "The circuit breaker refused new scores or areas."),
            _kind(DATABASE_UNREACHABLE, "critical", "The database cannot be used."),
            _kind(METADATA_UNREACHABLE, "critical", "ML Metadata cannot be used."),
            _kind(MODEL_NOT_LOADABLE, "critical", "The files of the champion cannot be used."),
            _kind(ODD_SCORES, "warning", "The scores are distributed in an unusual way."),
            _kind(DRIFT, "warning", "What the scores are computed from is unusual."),
            _kind(PERFORMANCE_LOW, "warning", "The scores came true less than they have to."),
            _kind(SCORES_STALE, "critical", "The published scores are too old."),
            _kind(FOREIGN_WRITER, "warning", "An output table does not hold what was published."),
            _kind(DISK_NEARLY_FULL, "warning", "The disk of the state directory is nearly full."),
            _kind(STREAM_BEHIND, "warning", "The stream does not read what is kept for it."),
            _kind(CHALLENGER_REFUSED, "warning", "The newest challengers were all refused."),
            _kind(SINK_FAILED, "warning", "A sink of alerts or metrics does not take them."),
            _kind(POLICY_ACT, "info", "The policy did something by itself.", lasts=False),
        )
    }
)


@dataclass(frozen=True)
class Alert:
    """Something that a person should know.

    Attributes:
        kind: Name of its kind.
        key: What it is about, such as the name of a table; of each kind and key one is open.
        sentence: What is the case, for a person who knows nothing of it yet.
        evidence: Numbers and names that it follows from, as JSON has them. No account ids, no
            feedback, no secrets.
        severity: None for that of the kind.
    """

    kind: str
    key: str
    sentence: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            hint = did_you_mean(self.kind, KINDS)
            raise ValueError(f"{self.kind!r} is no kind of alert.{hint}")
        if self.severity is not None and self.severity not in SEVERITIES:
            raise ValueError(f"{self.severity!r} is none of {', '.join(SEVERITIES)}")
        object.__setattr__(self, "key", storable(self.key, _LONGEST_KEY))
        object.__setattr__(self, "sentence", storable(self.sentence, _LONGEST_SENTENCE))

    @property
    def severity_told(self) -> Severity:
        """Its own severity, or that of its kind."""
        return self.severity or KINDS[self.kind].severity

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it one alert."""
        return (self.kind, self.key)


def is_about_sink(kind: str, key: str, sink: str) -> bool:
    """Tells whether an alert says that a sink fails: that sink is not told of it."""
    return kind == SINK_FAILED and key.startswith(sink_key(sink, ""))


def sink_key(sink: str, state_dir: str) -> str:
    """Returns what an alert about a sink is about: on another machine the sink may be well."""
    return f"{sink} of {state_dir}"


def storable(text: str, longest: int) -> str:
    """Returns a text as Postgres and JSON can hold it, in so many characters at most."""
    shown = text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()
    return shown if len(shown) <= longest else f"{shown[: longest - 4]} ..."


def without_quoted(text: str) -> str:
    """Returns a text without what it quotes, which may be an account's id or a customer's words.

    Messages of ours quote every foreign value; a quotation that is cut off goes to the end.
    """
    return _OPEN_QUOTE.sub("'...'", _QUOTED.sub("…", text)).replace("…", "'...'")
