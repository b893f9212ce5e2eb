"""Ids that match no account as they are spelled, but would in another spelling.

Ids are never merged: that two spellings name one account is for the owner of the data to say. Here
they are counted, by what would make them match, so that somebody can correct the export.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_FEWEST: Final = 3
"""Ids that must have a prefix or suffix in common, so that it is no chance."""
Patterns = tuple[re.Pattern[str], ...]


def _compiled(*patterns: str) -> Patterns:
    return tuple(re.compile(one, re.MULTILINE) for one in patterns)


_PREFIXES: Final = _compiled(
    r"^[^0-9\n]+",  # before the first digit
    r"^[0-9A-Za-z]*[^0-9A-Za-z\n]",  # up to the first separator
    r"^.*[^0-9A-Za-z\n]",  # up to the last one
)
_LONG_ID: Final = 18
_SHORT_ID: Final = 15
"""Salesforce has both: ids of 15 characters whose case counts, and with a checksum of 3 behind."""
_SUFFIXES: Final = _compiled(
    r"[^0-9\n]+$",  # after the last digit
    r"[^0-9A-Za-z\n].*$",  # from the first separator on
    r"[^0-9A-Za-z\n][0-9A-Za-z]*$",  # from the last one on
    rf"(?<=^.{{{_SHORT_ID}}}).{{{_LONG_ID - _SHORT_ID}}}$",
)
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
        accounts: The ids of all accounts; an id that is unmatched is not compared with itself.

    Returns:
        By rule, the one of most rows first; each id counts once, with the mildest rule.
    """
    ids, accounts = sorted(unmatched), sorted(set(accounts).difference(unmatched))
    forms = _canonical_forms(ids)
    wanted, canonical = set(forms), dict[str, str]()
    for key, account in zip(_canonical_forms(accounts), accounts, strict=True):
        if key in wanted:  # there are many accounts, and mostly few ids to compare them with
            canonical.setdefault(key, account)
    found: dict[str, list[tuple[str, str]]] = {}
    rest = []
    for one, key in zip(ids, forms, strict=True):
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
    """Returns _canonical of each text; of ASCII, the usual case, in one piece, which is fast."""
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


def _by_affix(ids: list[str], accounts: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yields (rule, id, account) of ids that differ from an account's by a usual affix."""
    for patterns, rule in ((_PREFIXES, _prefix_rule), (_SUFFIXES, _suffix_rule)):
        if len(ids) < _FEWEST:
            return
        parts_of_ids = list(_parts(ids, patterns))
        known = _by_part(accounts, patterns, {part for parts in parts_of_ids for part in parts})
        pairs = {}
        for parts in parts_of_ids:
            for one, part in zip(ids, parts, strict=True):
                account = known.get(part)
                if account is not None and account != one and one not in pairs:
                    pairs[one] = (rule(one, account), account)
        usual = Counter(name for name, _ in pairs.values())
        accepted = {one: pair for one, pair in pairs.items() if usual[pair[0]] >= _FEWEST}
        for one, (name, account) in accepted.items():
            yield name, one, account
        ids = [one for one in ids if one not in accepted]


def _by_part(accounts: list[str], patterns: Patterns, wanted: set[str]) -> dict[str, str | None]:
    """Returns the account that each wanted part belongs to; None where it is of several."""
    known: dict[str, str | None] = {}
    for parts in _parts(accounts, patterns):
        if wanted.isdisjoint(parts):
            continue
        for part, account in zip(parts, accounts, strict=True):
            if part in wanted and len(part) > 1 and known.setdefault(part, account) != account:
                known[part] = None
    return known


def _parts(texts: list[str], patterns: Patterns) -> Iterator[list[str]]:
    """Yields the texts themselves, and then without what each pattern finds, [texts] each."""
    yield texts
    whole = "\n".join(texts)
    in_one = whole.count("\n") == len(texts) - 1
    for pattern in patterns:
        # In one piece it takes a tenth of the time; a text with a newline must be taken alone.
        yield (
            pattern.sub("", whole).split("\n")
            if in_one
            else [pattern.sub("", one) for one in texts]
        )


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
    return len(os.path.commonprefix([one, other]))


def _affix(kind: str, ours: str, theirs: str) -> str:
    if not theirs:
        return f"a {kind} {shown(ours)}"
    if not ours:
        return f"a missing {kind} {shown(theirs)}"
    return f"a {kind} {shown(ours)} for {shown(theirs)}"
