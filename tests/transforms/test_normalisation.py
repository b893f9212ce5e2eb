"""Spellings of one word, against plain Python."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.normalisation import normalised

BLANKS = " \t\n\r\v\f"
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0"), max_size=8)
LETTERS = "aAzZ bBßẞÄäÉé\u03a3\u03c3\u03c2Ииİ\u0131Ii_-0"
CASED = st.text(st.sampled_from(LETTERS + BLANKS), max_size=8)


def normalised_texts(texts: list[str]) -> list[str]:
    return [one.decode() for one in normalised([text.encode() for text in texts]).numpy()]


@given(st.lists(st.one_of(TEXT, CASED), max_size=6))
def test_case_and_surrounding_blanks_do_not_count(texts: list[str]) -> None:
    assert normalised_texts(texts) == [text.strip(BLANKS).lower() for text in texts]


@given(TEXT, st.text(st.sampled_from(BLANKS)), st.text(st.sampled_from(BLANKS)))
def test_normalising_twice_changes_nothing(text: str, before: str, after: str) -> None:
    (once,) = normalised_texts([text])
    assert normalised_texts([f"{before}{text}{after}"]) == [once]


def test_blanks_within_a_word_stay() -> None:
    assert normalised_texts([" Mobile  App\t", "\u00a0x"]) == ["mobile  app", "\u00a0x"]


def test_what_is_not_utf_8_does_not_stop_a_model() -> None:
    assert normalised([b" \xffAB "]).numpy().tolist() == ["\ufffdab".encode()]


IN_EACH_LOCALE = """
import os, sys
from transforms.normalisation import normalised
for locale in sys.argv[1:]:
    if not os.fork():
        os.environ["LC_ALL"] = locale
        print(locale, normalised([b"BILLING"]).numpy()[0], flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.slow
def test_the_locale_of_the_process_does_not_matter() -> None:
    locales = ["tr_TR.UTF-8", "C"]
    environment = {**os.environ, "LC_ALL": locales[0]}
    done = subprocess.run(
        [sys.executable, "-c", IN_EACH_LOCALE, *locales],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [f"{locale} b'billing'" for locale in locales]
