"""Takes words out of the sentences of alerts that no message may hold."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from components.alerts.alert import Alert

_WORD: Final = re.compile(r"\S+")
_AROUND: Final = ".,;:!?()[]{}<>'\"`"
_HIDDEN: Final = "'...'"


def words_of(text: str) -> Iterator[str]:
    """Yields each word of a text, with and without the signs around it."""
    for found in _WORD.finditer(text):
        yield found.group()
        yield found.group().strip(_AROUND)


def without_words(alert: Alert, hidden: Collection[str]) -> Alert:
    """Returns an alert whose sentence does not hold some words."""

    def shown(found: re.Match[str]) -> str:
        word = found.group()
        if word in hidden:
            return _HIDDEN
        bare = word.strip(_AROUND)
        return word.replace(bare, _HIDDEN) if bare in hidden else word

    return replace(alert, sentence=_WORD.sub(shown, alert.sentence))
