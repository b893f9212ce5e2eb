"""The reasons of many accounts at once, column by column: those that top_reasons gives for each."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from serving_model.reasons.fact_patterns import FactColumns, patterns
from serving_model.reasons.fact_sentences import sentence
from serving_model.reasons.reason_words import (
    SMALLEST_REASON,
    TOP_REASONS,
    examples_reach,
    facts_of,
    top_reasons,
)
from serving_model.served.predict import Explanation
from transforms.arrays import Booleans, Floats, Integers

_NONE: Final = -1


class ToldReasons(NamedTuple):
    """Of n accounts, R reasons in all: account by account, in the order that they are told in."""

    starts: Integers
    """[n + 1]: those of account a are starts[a] to starts[a + 1]."""
    account: Integers
    """[R], place of the account."""
    group: Integers
    """[R], place among `Explanation.groups`."""
    log_odds: Floats
    """[R], the contribution."""
    text: Integers
    """[R], place among `texts`."""
    texts: list[str]
    """Sentences of facts, without a full stop."""


def told_reasons(
    explanation: Explanation, card: Mapping[str, object], most: int = TOP_REASONS
) -> ToldReasons:
    """Picks the reasons of each account as `top_reasons` does.

    Args:
        explanation: Of n accounts.
        card: Of the same model.
        most: How many to pick in each direction, at most.

    Raises:
        ValueError: If a contribution is NaN or infinite.
    """
    _refuse_infinite(explanation, most)
    picked = _picked(explanation.contributions, explanation.groups, most)
    texts = _Texts(explanation, card)
    said = texts.of(picked)
    _tell_once(explanation, card, most, picked, said, texts)
    account, slot = np.nonzero(picked != _NONE)
    group = picked[account, slot]
    return ToldReasons(
        starts=np.concatenate([[0], np.cumsum((picked != _NONE).sum(axis=1))]),
        account=account,
        group=group,
        log_odds=explanation.contributions[account, group],
        text=said[account, slot],
        texts=texts.known,
    )


def _refuse_infinite(explanation: Explanation, most: int) -> None:
    wrong = np.flatnonzero(~np.isfinite(explanation.contributions).all(axis=1))
    if wrong.size:
        values = explanation.contributions[wrong[0]].tolist()
        top_reasons(
            dict(zip(explanation.groups, values, strict=True)),
            facts_of(explanation, int(wrong[0]), {}),
            most,
        )


def _picked(contributions: Floats, groups: Sequence[str], most: int) -> Integers:
    """Returns groups [n, 2 x most], those that raise first, _NONE where there is no other."""
    by_name = np.array(sorted(range(len(groups)), key=groups.__getitem__))
    directions = []
    for sign in (1, -1):
        size = sign * contributions[:, by_name]
        # Stable: of equals the first by name.
        order = np.argsort(-size, axis=1, kind="stable")[:, :most]
        large = np.take_along_axis(size, order, axis=1) >= SMALLEST_REASON
        chosen = np.full([len(size), most], _NONE)
        chosen[:, : order.shape[1]] = np.where(large, by_name[order], _NONE)
        directions.append(chosen)
    return np.concatenate(directions, axis=1)


class _Texts:
    """The sentences that were asked for, each made once.

    Attributes:
        known: All of them.
    """

    def __init__(self, explanation: Explanation, card: Mapping[str, object]) -> None:
        self._explanation = explanation
        self._card = card
        self._facts = FactColumns(explanation, *examples_reach(card))
        self._places: dict[str, int] = {}
        self.known: list[str] = []

    def place(self, text: str) -> int:
        """Returns the place of a sentence among the known ones."""
        place = self._places.setdefault(text, len(self.known))
        if place == len(self.known):
            self.known.append(text)
        return place

    def of(self, picked: Integers) -> Integers:
        """Returns the places of the sentences of picked groups, of the same shape."""
        said = np.full(picked.shape, _NONE)
        for number, group in enumerate(self._explanation.groups):
            account, slot = np.nonzero(picked == number)
            if not account.size:
                continue
            _, first, pattern = np.unique(
                patterns(group, self._facts)[account], return_index=True, return_inverse=True
            )
            places = [self._sentence(group, int(one)) for one in account[first]]
            said[account, slot] = np.array(places)[pattern]
        return said

    def _sentence(self, group: str, account: int) -> int:
        return self.place(sentence(group, facts_of(self._explanation, account, self._card)))


def _tell_once(
    explanation: Explanation,
    card: Mapping[str, object],
    most: int,
    picked: Integers,
    said: Integers,
    texts: _Texts,
) -> None:
    """Picks again, one by one, for the accounts that would be told one sentence twice."""
    for account in np.flatnonzero(_told_twice(said)).tolist():
        values = explanation.contributions[account].tolist()
        facts = facts_of(explanation, account, card)
        reasons = top_reasons(dict(zip(explanation.groups, values, strict=True)), facts, most)
        picked[account], said[account] = _NONE, _NONE
        for slot, reason in enumerate(reasons):
            picked[account, slot] = explanation.groups.index(reason.group)
            said[account, slot] = texts.place(reason.text)


def _told_twice(said: Integers) -> Booleans:
    ordered = np.sort(said, axis=1)
    return np.asarray(((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != _NONE)).any(axis=1))
