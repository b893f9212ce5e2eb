"""Which of two models is better, and for whom."""

from typing import Final

from components.model_review.page import cells, numbers, theme, words
from components.model_review.page.blocks import (
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
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.sections.pair_words import (
    METRIC_WORDS,
    Found,
    ahead,
    better_here,
    calls_here,
    difference,
    lead,
    ranking_here,
    verdict,
)
from components.model_review.page.slices import slice_words
from components.model_review.sections.estimates import Estimate

_MOST_DRAWN: Final = 24
_SHORT: Final = {
    "auc": "AUC",
    "pr_auc": "PR AUC",
    "log_loss": "log-loss",
    "calibration_error": "calibration error",
}
_DASH: Final = "\N{EN DASH}"


def which_is_better(found: Found) -> Section:
    """Returns the section."""
    snapshot = found["snapshot"]
    if snapshot is None:
        parts: tuple[Part, ...] = (Part("Metrics", (Absent(found["not_compared"]),)),)
        return Section("better", "Which is better?", "That is not known.", parts)
    parts = (
        Part("Metric by metric", (_metrics(found),)),
        Part("How many accounts must we call to reach half of the leavers?", (_calls(snapshot),)),
    )
    return Section("better", "Which is better?", better_here(found), parts)


def for_whom(found: Found) -> Section:
    """Returns the section, the slices first for which b is worse."""
    snapshot, question = found["snapshot"], "For whom is B better, and for whom worse?"
    if snapshot is None:
        parts = (Part("Slice by slice", (Absent(found["not_compared"]),)),)
        return Section("slices", question, "That is not known.", parts)
    ordered = sorted(snapshot["slices"], key=lambda one: (ahead(one) != "A", _unknown(one)))
    part = Part("Slice by slice", (_slices(ordered),))
    return Section("slices", question, slices_here(ordered), (part,))


def metrics_table(snapshot: Found) -> Table:
    """Returns the metrics of both, the differences, their intervals and what follows."""
    return Table.of(
        "Both models on one snapshot, with paired 95% intervals of the difference",
        ("Metric", "A#", "B#", "B less A#", "Verdict"),
        (
            (
                METRIC_WORDS.get(one["name"], one["name"]),
                numbers.metric(one["a"]),
                numbers.metric(one["b"]),
                cells.estimate(difference(one), signed=True),
                verdict(one),
            )
            for one in snapshot["metrics"]
        ),
    )


def slices_here(slices: list[Found]) -> str:
    """Says for which slices either model ranks better beyond chance."""
    said = [
        f"{winner} ranks better for {words.listed(names)}"
        for winner in ("A", "B")
        if (names := [slice_words(one["name"]) for one in slices if ahead(one) == winner])
    ]
    few = sum(_unknown(one) for one in slices)
    whole = "; ".join(said) or "no slice tells A and B apart"
    unsaid = f"; {numbers.counted(few, 'slice has', 'slices have')} not enough data" if few else ""
    return f"Here {whole}{unsaid}."


def _metrics(found: Found) -> Figure:
    pairs = found["snapshot"]["metrics"]
    rows = [
        Measured(_SHORT.get(one["name"], one["name"]), known, _tone(one))
        for one in pairs
        if (known := lead(one))
    ]
    return Figure(
        picture=intervals(
            rows,
            x="lead of B",
            label=f"Lead of B over A with intervals: {_seen(rows)}",
            level=0,
        ),
        here=ranking_here(found["snapshot"]),
        shows="How far B is ahead of A, with the 95% interval of the difference. Of log-loss and "
        "calibration error less is better; here they are turned round, so that right is better "
        "in every row.",
        good="Whole lines right of the dotted one, if B is to take the place of A.",
        bad="A whole line left of it: there B is worse, and not by chance. A line that crosses "
        "it says that the two cannot be told apart.",
        table=metrics_table(found["snapshot"]),
    )


def _calls(snapshot: Found) -> Block:
    if snapshot["calls_for_half"] is None:
        return Absent(calls_here(snapshot))
    rows = [
        Measured(name, Estimate(float(calls)), tone)
        for name, calls, tone in zip(
            ("A", "B"), snapshot["calls_for_half"], (theme.CHAMPION, theme.CHALLENGER), strict=True
        )
    ]
    return Figure(
        picture=intervals(
            rows,
            x="accounts to call",
            label=f"Calls that reach half of the leavers. {calls_here(snapshot)}",
            bars=True,
            number_format=",d",
        ),
        here=calls_here(snapshot),
        shows="How many accounts have to be called, the highest scores first, until half of those "
        "that left are among them.",
        good="A bar of B that is the shorter one, and far shorter than half of all accounts.",
        bad="A longer bar of B: more work for the same result. Small differences may be chance.",
        table=Table.of(
            "Calls to reach half of the leavers",
            ("Model", "Accounts to call#", "Share of all#"),
            (
                (
                    one.name,
                    numbers.count(int(one.estimate.value)),
                    numbers.share(one.estimate.value / snapshot["accounts"]),
                )
                for one in rows
            ),
            folded=True,
        ),
    )


def _slices(slices: list[Found]) -> Block:
    rows = [
        Measured(slice_words(one["name"]), known, _tone(one))
        for one in slices
        if (known := lead(one))
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


def _row(one: Found) -> Row:
    sizes = (numbers.count(one["accounts"]), numbers.count(one["churned"]))
    name = slice_words(one["name"])
    if one["too_little"]:
        few: Cell = Noted("not enough data", one["too_little"])
        return Row((name, *sizes, few, *(_DASH,) * 3), QUIET)
    found = (numbers.metric(one["a"]), numbers.metric(one["b"]))
    led = cells.estimate(difference(one), signed=True)
    return Row((name, *sizes, verdict(one), *found, led), WARN if ahead(one) == "A" else "")


def _tone(pair: Found) -> theme.Tone:
    return {"A": theme.CHAMPION, "B": theme.CHALLENGER}.get(ahead(pair), theme.RIVAL)


def _seen(rows: list[Measured]) -> str:
    return ", ".join(f"{one.name} {numbers.difference(one.estimate.value)}" for one in rows)


def _unknown(one: Found) -> bool:
    return bool(one["too_little"])
