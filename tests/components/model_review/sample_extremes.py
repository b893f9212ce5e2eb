"""Reviews that a page may break on: a huge one, and one whose every word attacks it."""

import functools
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

import numpy as np

from components.model_review.review import Review
from components.model_review.sections.accounts import ProbabilityChange
from components.model_review.sections.changes import Change, Drift
from components.model_review.sections.data import Fact
from components.model_review.sections.estimates import POINTS, Curve
from components.model_review.sections.slices import Slice
from tests.components.model_review.sample_predictions import account_ids
from tests.components.model_review.sample_reviews import not_blessed

ATTACKS: Final = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</title></style></svg><h1>{{ 7 * 7 }}</h1>",
    "W" * 200,
    'O\'Brien & Söhne "GmbH" <b>',
    "\u202e\u05e9\u05dc\u05d5\u05dd مرحبا بالعالم",
    "日本語のアカウント🦄👩\u200d🚒 \u0007\ufeff",
    "javascript:alert(1) &lt;i&gt; %3Cscript%3E \\u003cb\\u003e",
)
KEPT: Final = frozenset(
    {"kind", "verdict", "outcome", "as_of", "eval_cutoff", "first", "last", "since"}
    | {"known_from", "metric"}
    | {
        "label_source",
        "model",
        "categories",
        "band_transitions",
        "category_before",
        "category_after",
    }
)
"""Fields whose words are those of the code, or are dates, whatever feedback says."""


@functools.cache
def huge() -> Review:
    """The largest that can be: 200 accounts, 100 slices, curves of as many points as are "
    "kept."""
    found = not_blessed()
    assert found.performance is not None
    assert found.gains is not None
    assert found.accounts is not None
    assert found.changes is not None
    models = [one.model for one in found.performance.metrics]
    ids = account_ids(200)
    largest_changes = tuple(
        ProbabilityChange(one, 0.9 - n / 250, 0.1, "high", "low") for n, one in enumerate(ids)
    )
    drift = tuple(
        Drift(f"feature_{n}", "score", "train", n / 250, 0.3, "warned" if n > 75 else "passed")
        for n in reversed(range(200))
    )
    facts = tuple(Fact(f"setting_{n}", "value " * 20) for n in range(150))
    return replace(
        found,
        performance=replace(
            found.performance,
            roc=tuple(map(_full_curve, models)),
            precision_recall=tuple(map(_full_curve, models)),
        ),
        gains=replace(found.gains, curves=tuple(map(_full_curve, models))),
        slices=tuple(_numbered(found.slices[n % 5], n) for n in range(100)),
        checks=tuple(found.checks[n % len(found.checks)] for n in range(300)),
        accounts=replace(found.accounts, largest_changes=largest_changes),
        changes=replace(
            found.changes,
            drift=drift,
            settings=tuple(Change(f"setting_{n}", "a" * 40, "b" * 40) for n in range(60)),
        ),
        data_checks=tuple(found.data_checks[n % len(found.data_checks)] for n in range(300)),
        settings=facts,
    )


@functools.cache
def hostile() -> Review:
    """As not_blessed, but every text is one of ATTACKS, save those that only code writes.

    One category is attacked too: a predecessor may have called its own as it liked.
    """
    attacked = _attacked(not_blessed(), _Texts())
    assert isinstance(attacked, Review)
    assert attacked.accounts is not None
    assert attacked.accounts.before is not None
    accounts = attacked.accounts
    former = replace(accounts.before, categories=(*accounts.before.categories, (ATTACKS[0], 3)))
    first = replace(accounts.largest_changes[0], category_before=ATTACKS[0])
    return replace(
        attacked,
        accounts=replace(
            accounts,
            before=former,
            band_transitions=(*accounts.band_transitions, (ATTACKS[0], "low", 3)),
            largest_changes=(first, *accounts.largest_changes[1:]),
        ),
    )


class _Texts:
    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """Attacks with a text of its own for each text, so that what is equal stays equal."""
        number = len(self._given)
        return self._given.setdefault(text, f"{ATTACKS[number % len(ATTACKS)]} {number}")


def _attacked(value: Any, texts: _Texts) -> Any:
    if isinstance(value, str):
        return texts(value) if value else value
    if isinstance(value, tuple):
        return tuple(_attacked(one, texts) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        own = {one.name: getattr(value, one.name) for one in fields(value)}
        changed = {k: v if k in KEPT else _attacked(v, texts) for k, v in own.items()}
        return replace(value, **changed)
    return value


def _full_curve(model: str) -> Curve:
    x = np.linspace(0, 1, POINTS)
    y = x ** (1 / (2 + len(model) / 4))
    return Curve(model, tuple(x.tolist()), tuple(y.tolist()))


def _numbered(found: Slice, number: int) -> Slice:
    return replace(found, name=f"customer_tier number {number}")
