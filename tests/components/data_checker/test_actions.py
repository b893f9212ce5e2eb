"""What a failed check does."""

import pytest

from components.data_checker.actions import DEFAULT_ACTIONS, complete_actions, decide
from components.data_checker.checks import Check


def check(group: str, verdict: str) -> Check:
    return Check(f"a {group}", group, ("eval",), 0.4, "<= 0.1", verdict, "why")


@pytest.mark.parametrize("group", DEFAULT_ACTIONS)
def test_each_group_warns_or_stops_by_setting(group: str) -> None:
    for action, verdict in (("warn", "warned"), ("stop", "stopped")):
        (decided,) = decide([check(group, "failed")], complete_actions({group: action}))
        assert decided == check(group, verdict)


@pytest.mark.parametrize("verdict", ["passed", "skipped"])
def test_what_did_not_fail_stays_as_it_is(verdict: str) -> None:
    (decided,) = decide([check("drift", verdict)], complete_actions({"drift": "stop"}))
    assert decided.verdict == verdict


def test_off_is_shown_as_skipped_with_its_value() -> None:
    (decided,) = decide([check("drift", "failed")], complete_actions({"drift": "off"}))
    assert (decided.verdict, decided.found) == ("skipped", 0.4)
    assert "switched off (TENS_INSIGHT_DATA_CHECKS)" in decided.message


def test_others_keep_their_defaults() -> None:
    assert complete_actions({}) == DEFAULT_ACTIONS
    assert complete_actions({"skew": "stop"}) == {**DEFAULT_ACTIONS, "skew": "stop"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"drfit": "warn"}, "no group of data checks is called 'drfit'; there are schema, size"),
        ({"drift": "halt"}, "drift is 'halt', expected stop or warn or off"),
        ({"schema": "off"}, "schema is 'off', expected stop or warn"),
        ({"size": "off"}, "size is 'off', expected stop or warn"),
    ],
)
def test_unknown_names_and_words_are_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        complete_actions(given)
