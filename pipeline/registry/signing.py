"""Writes what reviewers signed into the evaluation reports of a model."""

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from components.model_review.page.signature import Signature, signed
from components.registry.artifact_names import REVIEW_HTML, REVIEW_JSON, review_copy_name
from components.registry.stages import ACCEPT, APPROVE, REJECT
from components.state_files import replace_text
from pipeline.registry.registry import Registry
from pipeline.settings import Settings
from pipeline.text.plain_text import minute, short_path
from pipeline.text.terminal import escape_controls

_WORDS: Final = {
    APPROVE: "approved",
    REJECT: "rejected",
    ACCEPT: "accepted: it scores, although it was not blessed",
}


def signatures_of(registry: Registry, version: str) -> list[Signature]:
    """Returns what reviewers signed of a model, and who accepted it, oldest first."""
    return [
        Signature(
            decision=_WORDS[one.kind],
            name=escape_controls(one.by),
            date=minute(datetime.fromtimestamp(one.at / 1000, timezone.utc)),
            note=escape_controls(one.reason),
        )
        for one in registry.transitions()
        if one.version == version and one.kind in _WORDS
    ]


def write_signatures(registry: Registry, version: str, settings: Settings) -> Iterator[str]:
    """Writes the signatures of a model into its reports, and their copies.

    Args:
        registry: Where they are kept: a page that cannot be written loses none.
        version: The model, in full.
        settings: Say where the copies are.

    Yields:
        What was written, and what could not be, a sentence each.
    """
    signatures = signatures_of(registry, version)
    reviews = [one for one in registry.reviews() if one.properties.model_version == version]
    if not reviews:
        yield "There is no evaluation report of it; the signature is kept with the model."
    for review in reviews:
        yield _write(Path(review.uri, REVIEW_HTML), Path(review.uri, REVIEW_JSON), signatures)
        if folder := settings.review.review_dir:
            stem = review_copy_name(review.properties.as_of or "", version)
            if "://" in folder:
                yield f"The copy under {folder} is as it was: copy the page again."
            elif (page := Path(folder, f"{stem}.html")).exists():
                yield _write(page, page.with_suffix(".json"), signatures)


def _write(page: Path, numbers: Path, signatures: list[Signature]) -> str:
    try:
        replace_text(page, signed(page.read_text(encoding="utf-8"), signatures))
        content = json.loads(numbers.read_text(encoding="utf-8"))
        content["signatures"] = [vars(one) for one in signatures]
        replace_text(numbers, json.dumps(content, indent=1))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return f"Not written into {short_path(str(page))}: {why}. It is kept with the model."
    return f"Written into {short_path(str(page))}"
