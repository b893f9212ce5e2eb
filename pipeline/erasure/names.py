"""How an account's id is found in texts, in each form that we write, and taken for nothing else."""

import html
import json
import re

from components.page.words import visible


def text_forms(account_id: str) -> list[str]:
    """Returns the id as texts, JSON, HTML and messages write it, longest first."""
    forms = {account_id, repr(account_id)[1:-1], json.dumps(account_id)[1:-1]}
    forms |= {json.dumps(account_id, ensure_ascii=False)[1:-1]}
    forms |= {visible(account_id)}  # as a page has an id with control characters
    forms |= {html.escape(form, quote=quote) for form in tuple(forms) for quote in (True, False)}
    return sorted(forms, key=len, reverse=True)


def is_distinctive(account_id: str) -> bool:
    """Tells whether an id stands for itself in a text: it has a letter, and a digit or a sign.

    The id 1201 may be a count anywhere, and acme or free a word.
    """
    return any(one.isalpha() for one in account_id) and not account_id.isalpha()


def word_pattern(account_id: str) -> str:
    """Returns a regular expression for Python and Postgres that finds the id.

    As a word: ACC-1 is not found in ACC-10, in XACC-1 or in ACC-1-EU. An id that is not
    distinctive is found in quotes alone, as messages and JSON write ids.
    """
    either = "|".join(re.sub(r"([^\w\s])", r"\\\1", form) for form in text_forms(account_id))
    if is_distinctive(account_id):
        return rf"(?<![\w-])(?:{either})(?![\w-])"
    return rf"(?<=['\"])(?:{either})(?=['\"])"
