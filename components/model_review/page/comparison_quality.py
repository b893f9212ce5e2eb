"""Which of two models is better, and for whom."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from components.model_review.page import cells
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.comparison_words import (
    ahead,
    better_here,
    contacts_here,
    lead,
    ranking_here,
    verdict,
)
from components.model_review.page.slices import slice_words
from components.model_review.sections.compared import (
    ComparedSlice,
    Comparison,
    OneEvaluation,
    Pair,
)
from components.model_review.sections.estimates import Estimate
from components.page import numbers, theme
from components.page.blocks import (
    QUIET,
    WARN,
    Absent,
    Block,
    Cell,
    Figure,
    Noted,
    Part,
    Row,
    Section,
    Table,
)
from components.page.words import listed
from serving_model.evaluation.metrics import METRICS, Metric

_MOST_DRAWN: Final = 24
_DASH: Final = "\N{EN DASH}"


def which_is_better(found: Comparison) -> Section:
    """Returns the section."""
    evaluation = found.evaluation
    if evaluation is None:
        parts: tuple[Part, ...] = (Part("Metrics", (Absent(found.not_compared),)),)
        return Section("better", "Which is better?", "That is not known.", parts)
    parts = (
        Part("Metric by metric", (metrics_figure(evaluation.metrics),)),
        Part("How many contacts reach half of the churned accounts?", (_contacts(evaluation),)),
    )
    return Section("better", "Which is better?", better_here(found), parts)


def for_whom(found: Comparison) -> Section:
    """Returns the section, the slices first for which b is worse."""
    evaluation, question = found.evaluation, "For whom is B better, and for whom worse?"
    if evaluation is None:
        parts = (Part("Slice by slice", (Absent(found.not_compared),)),)
        return Section("slices", question, "That is not known.", parts)
    ordered = sorted(
        evaluation.slices, key=lambda one: (ahead(one.auc) != "A", bool(one.too_little))
    )
    part = Part("Slice by slice", (_slices(ordered),))
    return Section("slices", question, slices_here(ordered), (part,))


def metrics_table(metrics: Mapping[str, Pair], what: str = "one evaluation set") -> Table:
    """Returns the metrics of both, the differences, their intervals and what follows.

    Args:
        metrics: By name.
        what: Both were judged on.
    """
    return Table.of(
        f"Both models on {what}, with paired 95% intervals of the difference",
        ("Metric", "A#", "B#", "B less A#", "Verdict"),
        (
            (
                METRICS[name].phrase,
                numbers.metric(pair.a),
                numbers.metric(pair.b),
                cells.estimate(pair.difference, signed=True),
                verdict(pair, METRICS[name]),
            )
            for name, pair in metrics.items()
        ),
    )


def slices_here(slices: Sequence[ComparedSlice]) -> str:
    """Says for which slices either model ranks better beyond chance."""
    said = [
        f"{winner} ranks better for {listed(names)}"
        for winner in ("A", "B")
        if (names := [slice_words(one.name) for one in slices if ahead(one.auc) == winner])
    ]
    few = sum(bool(one.too_little) for one in slices)
    whole = "; ".join(said) or "no slice tells A and B apart"
    unsaid = f"; {numbers.counted(few, 'slice has', 'slices have')} not enough data" if few else ""
    return f"Here {whole}{unsaid}."


def metrics_figure(metrics: Mapping[str, Pair], what: str = "one evaluation set") -> Figure:
    """Draws how far b is ahead of a in each metric.

    Args:
        metrics: By name.
        what: Both were judged on.
    """
    rows = [
        Measured(metric.label, known, _tone(ahead(pair, metric)))
        for metric, pair in _by_metric(metrics)
        if (known := lead(pair, metric))
    ]
    return Figure(
        picture=intervals(
            rows,
            x="lead of B",
            label=f"Lead of B over A with intervals: {_seen(rows)}",
            level=0,
        ),
        here=ranking_here(metrics),
        shows="How far B is ahead of A, with the 95% interval of the difference. Of log-loss and "
        "calibration error less is better; here they are turned round, so that right is better "
        "in every row.",
        good="Whole lines right of the dotted one, if B is to take the place of A.",
        bad="A whole line left of it: there B is worse, and not by chance. A line that crosses "
        "it says that the two cannot be told apart.",
        table=metrics_table(metrics, what),
    )


def _contacts(evaluation: OneEvaluation) -> Block:
    if evaluation.contacts_for_half is None:
        return Absent(contacts_here(evaluation))
    rows = [
        Measured(name, Estimate(float(contacts)), tone)
        for name, contacts, tone in zip(
            ("A", "B"),
            evaluation.contacts_for_half,
            (theme.CHAMPION, theme.CHALLENGER),
            strict=True,
        )
    ]
    return Figure(
        picture=intervals(
            rows,
            x="accounts to contact",
            label=f"Contacts that reach half of the churned accounts. {contacts_here(evaluation)}",
            bars=True,
            number_format=",d",
        ),
        here=contacts_here(evaluation),
        shows="How many accounts have to be contacted, the highest scores first, until half of "
        "those that churned are among them.",
        good="A bar of B that is the shorter one, and far shorter than half of all accounts.",
        bad="A longer bar of B: more work for the same result. Small differences may be chance.",
        table=Table.of(
            "Contacts to reach half of the churned accounts",
            ("Model", "Accounts to contact#", "Share of all#"),
            (
                (
                    one.name,
                    numbers.count(int(one.estimate.value)),
                    numbers.share(one.estimate.value / evaluation.accounts),
                )
                for one in rows
            ),
            folded=True,
        ),
    )


def _slices(slices: Sequence[ComparedSlice]) -> Block:
    rows = [
        Measured(slice_words(one.name), known, _tone(ahead(one.auc)))
        for one in slices
        if (known := lead(one.auc))
    ][:_MOST_DRAWN]
    table = Table.of(
        "Slices: their sizes, and how well either model ranks within them (AUC)",
        ("Slice", "Accounts#", "Left#", "Verdict", "A#", "B#", "B less A#"),
        map(_row, slices),
    )
    if not rows:
        return table
    return Figure(
        picture=intervals(
            rows, x="AUC of B less that of A", label=f"Lead of B by slice: {_seen(rows)}", level=0
        ),
        here=slices_here(slices),
        shows="How far B ranks better than A within each group of accounts, with its 95% "
        f"interval; at most {_MOST_DRAWN} groups are drawn, the table has all.",
        good="Lines right of the dotted one, or across it.",
        bad="A whole line left of it: for these accounts B is worse, whatever the mean says. Of "
        "twenty such groups, though, one may lie there by chance.",
        table=table,
    )


def _row(one: ComparedSlice) -> Row:
    sizes = (numbers.count(one.accounts), numbers.count(one.churned))
    name = slice_words(one.name)
    if one.auc is None:
        few: Cell = Noted("not enough data", one.too_little)
        return Row((name, *sizes, few, *(_DASH,) * 3), QUIET)
    found = (numbers.metric(one.auc.a), numbers.metric(one.auc.b))
    led = cells.estimate(one.auc.difference, signed=True)
    tone = WARN if ahead(one.auc) == "A" else ""
    return Row((name, *sizes, verdict(one.auc), *found, led), tone)


def _by_metric(metrics: Mapping[str, Pair]) -> Iterator[tuple[Metric, Pair]]:
    for name, pair in metrics.items():
        yield METRICS[name], pair


def _tone(winner: str) -> theme.Tone:
    return {"A": theme.CHAMPION, "B": theme.CHALLENGER}.get(winner, theme.BASELINE)


def _seen(rows: Sequence[Measured]) -> str:
    return ", ".join(f"{one.name} {numbers.difference(one.estimate.value)}" for one in rows)
