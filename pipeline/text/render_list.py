"""The list of models, and what a transition changed, for people."""

from collections.abc import Iterator, Sequence

from components.registry.rule import UNPIN
from pipeline.registry.change_stage import Outcome
from pipeline.registry.listing import ModelRow
from pipeline.text.plain_text import NONE, minute, table_lines, transition_text


def model_lines(rows: Sequence[ModelRow]) -> Iterator[str]:
    """Yields the list of models, one a line under its head."""
    if not rows:
        yield "No model yet: `tens-insight run train` trains one."
        return
    head = ("version", "trained at", "as of", "label", "AUC", "log-loss", "gate", "now", "rows")
    yield from table_lines([head, *(_cells(row) for row in rows)])


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """Yields what a transition changed, and who is champion now."""
    transition = outcome.transition
    done = {"promote": "Promoted", "withdraw": "Withdrew", "pin": "Pinned", "unpin": "Unpinned"}
    said = f"transition {transition.number}, {transition_text(transition)}"
    yield f"{done[transition.kind]} {transition.version}: {said}"
    if outcome.after is None:
        yield (
            "There is no champion now: `run score` ends with exit code 3 until a model is blessed "
            "or promoted. account_risk_scores is as it was."
        )
    elif outcome.after == outcome.before:
        why = ", which is pinned" if outcome.pinned == outcome.after else ""
        yield f"The champion is still {outcome.after}{why}."
    else:
        yield f"The champion is now {outcome.after}; before it was {outcome.before or 'none'}."
    if outcome.after != outcome.before and outcome.after is not None:
        yield "The next run scores with it; until then account_risk_scores is as it was."
    if transition.kind == UNPIN and outcome.after == transition.version:
        yield "It is the newest blessed one anyway."


def stage_words(row: ModelRow) -> str:
    """Returns what a model is now: champion, pinned, withdrawn; empty if none of them."""
    words = [
        word
        for word, holds in (
            ("champion", row.champion),
            ("pinned", row.pinned),
            ("withdrawn", row.withdrawn),
        )
        if holds
    ]
    return ", ".join(words)


def published_words(row: ModelRow) -> str:
    """Returns how many rows were published with a model, and as of when last."""
    if row.rows_published is None or row.last_published_as_of is None:
        return NONE if row.rows_published is None else "0"
    return f"{row.rows_published}, last as of {row.last_published_as_of:%Y-%m-%d}"


def _cells(row: ModelRow) -> tuple[str, ...]:
    return (
        row.version,
        minute(row.trained_at),
        row.as_of[:10],
        row.label_source or NONE,
        NONE if row.auc is None else f"{row.auc:.3f}",
        NONE if row.log_loss is None else f"{row.log_loss:.4f}",
        row.gate,
        stage_words(row) or NONE,
        published_words(row),
    )
