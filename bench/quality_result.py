"""The result of measuring one history, as JSON that bench/quality_report.py reads."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.score_table import Score
from bench.slices import SliceScore


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval over accounts."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Origin:
    """Where figures come from.

    Attributes:
        fingerprint: Of all code that decides the figures, see bench/fingerprint.py.
        commit: That was checked out.
        code_version: Of what reads, makes features and learns.
        measured: When, UTC, to the minute.
        load: Load average of the last 15 minutes before.
    """

    fingerprint: str
    commit: str
    code_version: str
    measured: str
    load: float


@dataclass(frozen=True)
class QualityResult:
    """What was measured on one history.

    Attributes:
        name: Of the history.
        description: What it is.
        origin: Of the figures.
        training_examples: How many were learnt from.
        training_rate: Share of them that churned.
        test_accounts: How many were scored.
        test_rate: Share of them that churned.
        horizon_days: Of the label.
        training_seconds: Wall clock of ModelTrainer.
        other_labels: Accounts whose label is not the recorded one; None without a record.
        scores: By metric and model.
        slices: Of the pipeline's model.
        limit: Figures against the best possible score by name; empty where it is unknown.
        cpu_seconds: What measuring took, by part, without the database server's.
    """

    name: str
    description: str
    origin: Origin
    training_examples: int
    training_rate: float
    test_accounts: int
    test_rate: float
    horizon_days: int
    training_seconds: float
    other_labels: int | None
    scores: list[Score]
    slices: list[SliceScore]
    limit: dict[str, Figure]
    cpu_seconds: dict[str, float]

    def write(self, file: Path) -> None:
        """Writes it as JSON."""
        content = asdict(self)
        content["scores"] = [score._asdict() for score in self.scores]
        content["slices"] = [one._asdict() for one in self.slices]
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_result(file: Path) -> QualityResult:
    """Reads what `write` wrote.

    Raises:
        OSError: There is no such file.
        TypeError: It lacks something, or holds too much.
    """
    content = json.loads(file.read_text(encoding="utf-8"))
    content["origin"] = Origin(**content["origin"])
    content["scores"] = [_score(**one) for one in content["scores"]]
    content["slices"] = [SliceScore(**one) for one in content["slices"]]
    content["limit"] = {name: Figure(**one) for name, one in content["limit"].items()}
    return QualityResult(**content)


def _score(interval: list[float], gap_interval: list[float] | None, **others: Any) -> Score:
    paired = None if gap_interval is None else (gap_interval[0], gap_interval[1])
    return Score(interval=(interval[0], interval[1]), gap_interval=paired, **others)
