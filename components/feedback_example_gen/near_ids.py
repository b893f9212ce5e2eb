"""Ids that match no account as they are spelled, but would in another spelling.

Ids are never merged: that two spellings name one account is for the owner of the data to say. Here
they are counted, by what would make them match, so that somebody can correct the export.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_FEWEST: Final = 3
"""Ids that must have a prefix or suffix in common, so that it is no chance."""
_SEPARATOR: Final = re.compile(r"[^0-9A-Za-z]")
_MOST_PARTS: Final = 4
_SHOWN: Final = 60


@dataclass(frozen=True)
class NearIds:
    """Ids that one rule would match.

    Attributes:
        rule: What they differ by.
        ids: How many.
        rows: How many rows hold them.
        unmatched: One of them.
        account: The account's id that it would match.
    """

    rule: str
    ids: int
    rows: int
    unmatched: str
    account: str


def near_ids(unmatched: Mapping[str, int], accounts: Collection[str]) -> tuple[NearIds, ...]:
    """Finds ids that would match an account in another spelling.

    Args:
        unmatched: How many rows hold each id that is none of an account.
        accounts: The ids of all accounts.

    Returns:
        By rule, the one of most rows first; each id counts once, with the mildest rule.
    """
    accounts = sorted(accounts)
    canonical: dict[str, str] = {}
    for key, account in zip(_canonical_forms(accounts), accounts, strict=True):
        canonical.setdefault(key, account)
    found: dict[str, list[tuple[str, str]]] = {}
    rest = []
    for one in sorted(unmatched):
        key = _canonical(one)
        if key and key in canonical:
            found.setdefault(_rule(one, canonical[key]), []).append((one, canonical[key]))
        else:
            rest.append(one)
    for rule, one, account in _by_affix(rest, accounts):
        found.setdefault(rule, []).append((one, account))
    near = [
        NearIds(rule, len(pairs), sum(unmatched[one] for one, _ in pairs), *pairs[0])
        for rule, pairs in found.items()
    ]
    return tuple(sorted(near, key=lambda one: (-one.rows, one.rule)))


def shown(text: str) -> str:
    """Returns an id in quotes, in ASCII: what cannot be seen is escaped."""
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def masked(text: str) -> str:
    """Returns the shape of an id, which names nobody: digits are 9, ASCII letters A or a."""
    return re.sub("[a-z]", "a", re.sub("[A-Z]", "A", re.sub("[0-9]", "9", text)))


def _without_blanks(text: str) -> str:
    """Leaves out blanks, control characters and what has no width."""
    return "".join(one for one in text if unicodedata.category(one)[0] not in "ZC")


def _without_punctuation(text: str) -> str:
    return "".join(one for one in text if one.isalnum())


def _without_zeros(text: str) -> str:
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", text)


def _one_form(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


_RULES: Final[Mapping[str, Callable[[str], str]]] = {
    "blanks or invisible characters": _without_blanks,
    "upper and lower case": str.casefold,
    "the form of Unicode characters": _one_form,
    "punctuation": _without_punctuation,
    "leading zeros": _without_zeros,
}
"""From the mildest on; in this order they make the form in which spellings are equal."""


def _canonical(text: str) -> str:
    for rule in _RULES.values():
        text = rule(text)
    return text


def _canonical_forms(texts: list[str]) -> list[str]:
    """Returns _canonical of each text; of ASCII, the usual case, in one piece and so in no time."""
    whole = "\n".join(texts)
    if not whole.isascii() or whole.count("\n") != len(texts) - 1:
        return list(map(_canonical, texts))
    return _without_zeros(re.sub("[^0-9a-z\n]+", "", whole.lower())).split("\n")


def _rule(one: str, account: str) -> str:
    """Returns the mildest rule that makes two ids equal, or all rules that it takes."""
    for name, rule in _RULES.items():
        if rule(one) == rule(account):
            return name
    taken = []
    for name, rule in _RULES.items():
        if rule(one) != one or rule(account) != account:
            taken.append(name)
        one, account = rule(one), rule(account)
        if one == account:
            break
    return ", ".join(taken)


def _by_affix(ids: list[str], accounts: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yields (rule, id, account) of ids that differ from an account's by a usual affix."""
    accounts = accounts if len(ids) >= _FEWEST else ()
    for parts, rule in ((_tails, _prefix_rule), (_heads, _suffix_rule)):
        known = _by_part(accounts, parts)
        pairs = {}
        for one in ids:
            hits = (known.get(part) for part in parts(one))
            if account := next((hit for hit in hits if hit is not None and hit != one), None):
                pairs[one] = (rule(one, account), account)
        usual = Counter(name for name, _ in pairs.values())
        accepted = {one: pair for one, pair in pairs.items() if usual[pair[0]] >= _FEWEST}
        for one, (name, account) in accepted.items():
            yield name, one, account
        ids = [one for one in ids if one not in accepted]


def _by_part(accounts: Iterable[str], parts: Callable[[str], list[str]]) -> dict[str, str | None]:
    """Returns the account that each part belongs to; None where it is of several."""
    known: dict[str, str | None] = {}
    for account in accounts:
        for part in parts(account):
            known[part] = account if known.get(part, account) == account else None
    return known


def _tails(text: str) -> list[str]:
    """Returns an id, and what of it follows a prefix."""
    begins = [0, *(found.end() for found in _SEPARATOR.finditer(text, 0))][: _MOST_PARTS + 1]
    if (digit := re.search("[0-9]", text)) is not None:
        begins.append(digit.start())
    return list(dict.fromkeys(part for begin in begins if len(part := text[begin:]) > 1))


def _heads(text: str) -> list[str]:
    """Returns an id, and what of it comes before a suffix."""
    ends = [len(text), *(found.start() for found in _SEPARATOR.finditer(text))][: _MOST_PARTS + 1]
    ends.append(len(re.sub("[^0-9]+$", "", text)))
    if len(text) == _LONG_ID:
        ends.append(_SHORT_ID)
    return list(dict.fromkeys(part for end in ends if len(part := text[:end]) > 1))


_LONG_ID: Final = 18
_SHORT_ID: Final = 15
"""Salesforce has both: ids of 15 characters whose case counts, and with a checksum of 3 behind."""


def _prefix_rule(one: str, account: str) -> str:
    shared = _shared(one[::-1], account[::-1])
    return _affix("prefix", one[: len(one) - shared], account[: len(account) - shared])


def _suffix_rule(one: str, account: str) -> str:
    shared = _shared(one, account)
    if {len(one), len(account)} == {_LONG_ID, _SHORT_ID} and shared == _SHORT_ID:
        return f"ids of {_LONG_ID} and of {_SHORT_ID} characters"
    return _affix("suffix", one[shared:], account[shared:])


def _shared(one: str, other: str) -> int:
    """Returns the length of what two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _affix(kind: str, ours: str, theirs: str) -> str:
    if not theirs:
        return f"a {kind} {shown(ours)}"
    return (
        f"a missing {kind} {shown(theirs)}"
        if not ours
        else (f"a {kind} {shown(ours)} for {shown(theirs)}")
    )
