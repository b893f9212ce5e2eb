"""The page of measured quality, as Markdown."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from bench.limit import MODEL_AUC
from bench.quality_result import QualityResult
from bench.quality_targets import Judged, judge
from bench.score_table import Score, as_text
from bench.slices import SliceScore
from bench.verdict import verdict_line

TITLES = {
    "online_retail": "UCI Online Retail: the invoices of a British online shop, 2010 and 2011",
    "cdnow": "CDNOW: the purchases of a music shop's customers, 1997 and 1998",
}
"""What the names of known histories stand for; others stand for themselves."""

HEAD = """# Measured quality

Written by `make quality HISTORIES="FOLDER FOLDER"` (`python -m bench.quality_report`), not by hand.
The histories lie in folders of their own and are no part of this repository. Each one went
through the pipeline's own FeedbackExampleGen, Transform and ModelTrainer with the default
settings; the exported SavedModel scored the test cutoff once, and training knew nothing from
that cutoff on. The other models learnt from the same examples, features and labels.
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
    for result in results:
        lines += [*_history(result), ""]
    return "\n".join(lines)


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
    yield f"{TITLES.get(result.name, result.name)}."
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
