"""The page of measured quality, as Markdown."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from bench.limit import MODEL_AUC
from bench.quality_result import QualityResult
from bench.quality_targets import Judged, judge
from bench.score_table import Score, as_text
from bench.slices import SliceScore
from bench.verdict import verdict_line

REMEDIES = Path(__file__).with_name("quality_remedies.md")
"""What each part is worth: written by hand, from pages of docs/."""

HEAD = """# Measured quality

Written by `make quality HISTORIES="FOLDER FOLDER"` (`python -m bench.quality_report`), not by hand.
The histories lie in folders of their own and are no part of this repository. Each one went
through the pipeline's own FeedbackExampleGen, Transform and ModelTrainer with the default
settings; the exported SavedModel scored the test cutoff once, and training knew nothing from
that cutoff on. The other models learnt from the same examples, features and labels, each on one
thread. What every model says of every test account is in the folder of `--results`, as Parquet.
Brackets are 95 % intervals of a bootstrap over accounts; those of differences are paired.
"""


def page(results: Sequence[QualityResult], facts: Sequence[str]) -> str:
    """Returns the whole page.

    Args:
        results: Of each measured history.
        facts: Lines that say what was measured, when and where.
    """
    judged = judge(results)
    lines = [HEAD, *(f"- {fact}" for fact in facts), "", "## Thresholds", "", *_bars(judged), ""]
    lines += [
        REMEDIES.read_text(encoding="utf-8"),
        "## What measuring took",
        "",
        *_costs(results),
        "",
    ]
    for result in results:
        lines += [*_history(result), ""]
    return "\n".join(lines)


def _costs(results: Sequence[QualityResult]) -> Iterator[str]:
    names = list(dict.fromkeys(part for result in results for part in result.cpu_seconds))
    yield "Minutes of CPU, without the database server's, and seconds on the clock of ModelTrainer:"
    yield ""
    yield f"| measured on | {' | '.join(names)} | all | ModelTrainer, s |"
    yield "|---" * (len(names) + 3) + "|"
    for result in results:
        each = [result.cpu_seconds.get(name) for name in names]
        cells = ["" if one is None else f"{one / 60:.1f}" for one in each]
        whole = f"{sum(result.cpu_seconds.values()) / 60:.1f}"
        yield f"| {' | '.join([result.name, *cells, whole])} | {result.training_seconds:.0f} |"


def _bars(judged: Sequence[Judged]) -> Iterator[str]:
    words = {True: "reached", False: "NOT reached", None: "not measured"}
    missed = sum(one.reached is not True for one in judged)
    yield f"{len(judged) - missed} of {len(judged)} are reached."
    yield ""
    yield "| history | figure | threshold | found | |"
    yield "|---|---|---|---|---|"
    for one in judged:
        cells = one.history, one.figure, one.target, one.found, words[one.reached]
        yield f"| {' | '.join(cells)} |"


def _history(result: QualityResult) -> Iterator[str]:
    yield f"## {result.name}"
    yield ""
    yield f"{result.description[:1].upper()}{result.description[1:]}."
    yield (
        f"{result.training_examples:,} training examples, {result.training_rate:.1%} of them "
        f"churned within {result.horizon_days} days; {result.test_accounts:,} test accounts, "
        f"{result.test_rate:.1%}."
    )
    if result.other_labels is not None:
        yield (
            f"{result.other_labels} labels of the test accounts differ from those recorded "
            "with the history."
        )
    yield ""
    yield from _scores(result.scores)
    yield ""
    yield f"Verdict: {verdict_line(result.scores)}."
    yield ""
    if result.limit:
        yield from _limit(result)
        yield ""
    yield from _slices(result.slices)


def _scores(scores: Sequence[Score]) -> Iterator[str]:
    yield "| metric | model | value | 95 % | ours minus it | 95 % |"
    yield "|---|---|---|---|---|---|"
    for metric, block in groupby(scores, lambda score: score.metric):
        for one in block:
            line = f"| {metric} | {one.model} | {one.value:.4f} | {as_text(one.interval)} "
            if one.gap is None or one.gap_interval is None:
                yield f"{line}| | |"
            else:
                yield f"{line}| {one.gap:+.4f} | {as_text(one.gap_interval)} |"


def _limit(result: QualityResult) -> Iterator[str]:
    yield "Against the best possible score of this world, by a particle filter:"
    yield ""
    yield "| figure | value | 95 % |"
    yield "|---|---|---|"
    for name, one in result.limit.items():
        if name != MODEL_AUC:
            yield f"| {name} | {one.value:.4f} | {as_text((one.low, one.high))} |"


def _slices(slices: Sequence[SliceScore]) -> Iterator[str]:
    yield "| slice | accounts | churned | AUC | log-loss | ECE |"
    yield "|---|---|---|---|---|---|"
    for one in slices:
        line = f"| {one.name} | {one.accounts:,} | {one.churned:,} "
        if one.too_little:
            yield f"{line}| {one.too_little} | | |"
        else:
            yield f"{line}| {one.auc:.4f} | {one.log_loss:.4f} | {one.ece:.4f} |"
