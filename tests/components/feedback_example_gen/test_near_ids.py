"""Ids in another spelling are found, and what they differ by is named."""

from collections.abc import Callable

import pytest

from components.feedback_example_gen.near_ids import NearIds, masked, near_ids, shown

ACCOUNTS = [f"ACC-{number:06d}" for number in range(100, 140)]


@pytest.mark.parametrize(
    ("respell", "rule"),
    [
        (str.lower, "upper and lower case"),
        (lambda one: one + " ", "blanks or invisible characters"),
        (lambda one: f" {one}\t", "blanks or invisible characters"),
        (lambda one: one + "\u00a0", "blanks or invisible characters"),
        (lambda one: "\u200b" + one, "blanks or invisible characters"),
        (lambda one: "\ufeff" + one, "blanks or invisible characters"),
        (lambda one: one.replace("-", ""), "punctuation"),
        (lambda one: one.replace("-", "_"), "punctuation"),
        (lambda one: one.replace("-", "\u2011"), "punctuation"),
        (lambda one: one.replace("A", "\uff21"), "the form of Unicode characters"),
        (lambda one: one.replace("-000", "-"), "leading zeros"),
        (lambda one: f"{one.lower()} ", "blanks or invisible characters, upper and lower case"),
        (lambda one: f"crm:{one}", "a prefix 'crm:'"),
        (lambda one: f"CUST_{one[4:]}", "a prefix 'CUST_' for 'ACC-'"),
        (lambda one: one[4:], "a missing prefix 'ACC-'"),
        (lambda one: f"{one}@eu", "a suffix '@eu'"),
    ],
)
def test_what_ids_differ_by_is_named(respell: Callable[[str], str], rule: str) -> None:
    unmatched = {respell(one): 2 for one in ACCOUNTS[:20]}
    (found,) = near_ids(unmatched, ACCOUNTS)
    assert found == NearIds(rule, 20, 40, sorted(unmatched)[0], ACCOUNTS[0])


@pytest.mark.parametrize(
    ("accounts", "unmatched", "rule"),
    [
        (["Caf\u00e9 1", "Caf\u00e9 2"], "Cafe\u0301 1", "the form of Unicode characters"),
        (["STRASSE"], "stra\u00dfe", "upper and lower case"),
        (["007"], "7", "leading zeros"),
    ],
)
def test_single_ids_in_another_spelling(accounts: list[str], unmatched: str, rule: str) -> None:
    (found,) = near_ids({unmatched: 1}, accounts)
    assert found == NearIds(rule, 1, 1, unmatched, accounts[0])


def test_both_lengths_of_crm_ids_are_one_kind() -> None:
    accounts = [f"0015000000aB{number:03d}" for number in range(9)]
    ids = {f"{one}{tail}": 1 for one, tail in zip(accounts, ("AAX", "QAV", "IAT"), strict=False)}
    (found,) = near_ids(ids, accounts)
    assert (found.rule, found.ids) == ("ids of 18 and of 15 characters", 3)


def test_other_ids_are_not_near() -> None:
    assert near_ids({"left-without-a-word": 3, "---": 1, "ACC-999999": 1}, ACCOUNTS) == ()
    # Of two ids alone a common beginning may be chance.
    assert near_ids({"x:ACC-000100": 1, "x:ACC-000101": 1}, ACCOUNTS) == ()
    # "100" may be either.
    assert near_ids({f"z{n}": 1 for n in range(10, 20)}, [f"a{n}" for n in range(10, 20)]
                    + [f"b{n}" for n in range(10, 20)]) == ()  # fmt: skip


def test_examples_are_escaped_and_can_be_masked() -> None:
    assert shown("ACC-1\u00a0\x1b[31m") == r"'ACC-1\xa0\x1b[31m'"
    assert len(shown("x" * 500)) < 70
    assert masked("Acme-2024 ") == "Aaaa-9999 "


def test_an_id_is_not_compared_with_itself() -> None:
    assert near_ids({"ACC-000100": 1}, ACCOUNTS) == ()
    (found,) = near_ids({"ACC-000100": 1}, [*ACCOUNTS, "acc-000100"])
    assert found.account == "acc-000100"
