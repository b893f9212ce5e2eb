"""Facts about one model in words, for the terminal and for pages."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.publishing.published import PublishedWith
from components.registry.model_properties import ModelProperties
from pipeline.registry.lineage import AS_RECORDED, ModelDetails
from pipeline.registry.listing import ModelRow
from pipeline.settings import default_settings
from pipeline.text.plain_text import NONE, minute, minute_of, number_of_examples, short_path
from transforms.cold_start_rule import NOTHING_LEARNT, is_rule


def rule_lines(published: Mapping[str, PublishedWith] | None) -> Iterator[str]:
    """Yields what the cold-start rules published, a line each; they are no models.

    Args:
        published: By version; None if that is not known.
    """
    for version, ever in (published or {}).items():
        if is_rule(version):
            yield (
                f"{version}: {NOTHING_LEARNT}; {ever.rows} rows published, last as of "
                f"{minute(ever.last_as_of)}. It is no model, and the first blessed one takes its "
                "place."
            )


def stage_words(row: ModelRow) -> str:
    """Returns what a model is now: champion, pinned, withdrawn, in shadow or in a split."""
    words = [
        word
        for word, holds in (
            ("champion", row.champion),
            ("pinned", row.pinned),
            ("withdrawn", row.withdrawn),
            ("in shadow", row.in_shadow),
            ("in a split", row.in_split),
        )
        if holds
    ]
    return ", ".join(words)


def published_words(row: ModelRow) -> str:
    """Returns how many rows were published with a model, and as of when last."""
    if row.rows_published is None or row.last_published_as_of is None:
        return NONE if row.rows_published is None else "0"
    return f"{row.rows_published}, last as of {row.last_published_as_of:%Y-%m-%d}"


def origin_facts(details: ModelDetails) -> Iterator[tuple[str, str]]:
    """Yields where a model comes from: run, data, code and settings, and where its files lie."""
    card = details.card
    yield "run", _run(details)
    yield "examples", _examples(details)
    yield "watermark", _watermark(details)
    yield from _splits(card)
    yield "code version", card.code_version or NONE
    yield "packages", card.packages or NONE
    yield "settings", _settings(details.settings)
    yield "trained with", hyperparameters_words(card)
    yield "exported to", short_path(details.exported.path)
    yield "sha256", _hash(details)


def evidence_facts(details: ModelDetails) -> Iterator[tuple[str, str]]:
    """Yields of a refused model what would change the verdict, and whether it may be accepted."""
    if details.missing_evidence is not None:
        yield "evidence", details.missing_evidence.sentence
    if details.row.accepted:
        yield "accepted", "by a person, although the gate did not bless it: see the transitions"
    elif details.acceptable:
        command = f"tens-insight models accept {details.row.version} --reason WHY"
        yield "may score", f"if a person accepts that it lacks evidence alone: `{command}`"
    elif details.unacceptable_because:
        yield "may score", f"no, and nobody may accept it: {details.unacceptable_because}"


def _run(details: ModelDetails) -> str:
    run = details.run
    if run is None:
        return NONE
    failed = f" at {run.failed_node}" if run.failed_node else ""
    return f"{run.pipeline} {run.run_id}, {run.state}{failed}"


def _examples(details: ModelDetails) -> str:
    if details.examples is None:
        return NONE
    gone = "" if details.examples_present else " (its eval split is gone)"
    return f"artifact {details.examples.artifact_id}, {short_path(details.examples.uri)}{gone}"


def _watermark(details: ModelDetails) -> str:
    rows = details.card.feedback_rows
    parts = [f"{NONE if rows is None else rows} rows of feedback"]
    data = details.examples.properties if details.examples else None
    if data and data.newest_feedback is not None:
        parts.append(f"newest {minute_of(data.newest_feedback)}")
    if data and data.late_rows is not None:
        parts.append(f"{data.late_rows} arrived late")
    return ", ".join(parts)


def _splits(card: ModelProperties) -> Iterator[tuple[str, str]]:
    train = number_of_examples(card.train_examples, card.train_available)
    yield "train", _split(card.train_cutoffs, train, card.train_churned, card.train_examples)
    evaluated = number_of_examples(card.eval_examples, card.eval_available)
    yield "eval", _split(card.eval_cutoffs, evaluated, card.eval_churned, card.eval_examples)


def _split(joined: str, sizes: str, churned: int, examples: int) -> str:
    cutoffs = joined.split(",")
    when = cutoffs[0][:10]
    if len(cutoffs) > 1:
        when = f"{len(cutoffs)} cutoffs from {when} to {cutoffs[-1][:10]}"
    rate = f", base rate {churned / examples:.3f}" if examples else ""
    return f"{sizes} ({when}), {churned} churned{rate}"


def _settings(found: dict[str, Any]) -> str:
    if not found:
        return NONE
    defaults = default_settings().portable()
    changed = [
        f"{name}={found[name]}"
        for name, default in sorted(defaults.items())
        if name in found and found[name] != default
    ]
    others = f"{len(found) - len(changed)} at their defaults; --json shows all"
    return f"{', '.join(changed)}; the other {others}" if changed else f"all {others}"


def hyperparameters_words(card: ModelProperties) -> str:
    """What was used, which the settings do not say where a tuner chose."""
    if card.hyperparameters is None:
        return NONE
    values = [f"{name}={_rounded(value)}" for name, value in card.hyperparameters.items()]
    return f"{', '.join(values)}; from {card.hyperparameters_from}"


def _rounded(value: Any) -> Any:
    return f"{value:.3g}" if isinstance(value, float) else value


def _hash(details: ModelDetails) -> str:
    exported = details.exported
    warning = "" if exported.found == AS_RECORDED else "WARNING: "
    return f"{exported.sha256 or NONE} ({warning}{exported.found})"
