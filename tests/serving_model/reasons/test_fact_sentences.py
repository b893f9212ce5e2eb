"""What the sentences say is what the facts hold, in good English."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_model.reasons.fact_sentences import AccountFacts, every, messages, rate, sentence, span
from tests.property_tests import cases
from transforms.reason_facts import FACT_COUNTS, FACT_DAYS, fact_names, fact_word_names
from transforms.reason_groups import group_names

NOTHING = dict.fromkeys(fact_names(), 0.0)
LATE = {
    "tenure_days": 400.0,
    "days_since_negative": -1.0,
    "days_since_positive": -1.0,
    "days_since_critical": -1.0,
}
WORDS = dict.fromkeys(fact_word_names(), "") | {"tier": "pro", "region": "EU"}


def facts(words: dict[str, str] | None = None, **numbers: float) -> AccountFacts:
    assert numbers.keys() <= NOTHING.keys()
    return AccountFacts(NOTHING | LATE | numbers, WORDS | (words or {}))


@st.composite
def possible(draw: st.DrawFn) -> AccountFacts:
    """Facts that can stand together: wider windows hold no fewer, parts no more."""
    numbers = dict(NOTHING)
    for kind in FACT_COUNTS:
        held = 0
        for days in FACT_DAYS:
            most = 600 if kind == "count" else int(numbers[f"count_{days}d"])
            held = draw(st.integers(min(held, most), most))
            numbers[f"{kind}_{days}d"] = float(held)
    listed = draw(st.integers(int(numbers["count_90d"]), 700))
    numbers["listed_events"] = float(listed)
    for kind in ("count", "negative", "positive"):
        most = int(numbers.get(f"{kind}_90d", 0))
        numbers[f"lifetime_{kind}"] = float(most + draw(st.integers(0, 50)))
    numbers["lifetime_count"] = float(listed + draw(st.integers(0, 50)))
    tenure = draw(st.floats(0, 4000))
    numbers["tenure_days"] = tenure
    numbers["days_since_last"] = draw(st.floats(0, 1)) * tenure
    numbers["usual_gap"] = draw(st.floats(0, 400))
    for name in ("usual_per_30d", "usual_negative_per_30d", "usual_positive_per_30d"):
        numbers[name] = draw(st.one_of(st.just(-1.0), st.just(0.0), st.floats(1e-3, 900)))
    newest = min(listed, 5)
    numbers["newest"] = float(newest)
    numbers["newest_negative"] = float(draw(st.integers(0, newest)))
    numbers["newest_positive"] = float(
        draw(st.integers(0, newest - int(numbers["newest_negative"])))
    )
    words = dict(WORDS)
    for name in ("top_negative_area", "top_area", "top_topic", "top_channel"):
        kind = "negative" if "negative" in name else "count"
        inside = next(
            (int(numbers[f"{kind}_{d}d"]) for d in FACT_DAYS if numbers[f"{kind}_{d}d"]), 0
        )
        if inside:
            numbers[f"{name}_count"] = float(draw(st.integers(1, inside)))
            words[name] = draw(st.text(max_size=60))
    return AccountFacts(
        numbers, words, draw(st.integers(7, 400)), draw(st.sampled_from([100, 500]))
    )


def expect_every_group_has_one_line_for_whatever_is_possible(found: AccountFacts) -> None:
    for group in group_names():
        text = sentence(group, found)
        assert text == sentence(group, found)
        assert text
        assert text.isprintable()
        assert len(text) < 200
        assert "nan" not in text.replace(found.words["top_area"], "")


def expect_every_count_in_a_sentence_is_a_fact(found: AccountFacts) -> None:
    plain = found._replace(words=WORDS | {n: "w" for n in found.words if found.words[n]})
    for group, kind in (("volume", "count"), ("positive_feedback", "positive")):
        text = sentence(group, plain)
        said = re.match(
            r"(?:at least )?([\d,]+) (?:positive )?messages? (?:in the last (\d+) day|so far)", text
        )
        if said is None:
            assert text.startswith("no ")
            assert not plain.count(f"{kind}_90d")
            continue
        number = int(said[1].replace(",", ""))
        days = int(said[2]) if said[2] else None
        reaches = [(d, min(d, plain.lookback_days)) for d in FACT_DAYS]
        tenure = plain.numbers["tenure_days"]
        windows = [d for d, reach in reaches if reach == days or (days is None and tenure < reach)]
        assert number in [plain.count(f"{kind}_{d}d") for d in windows]
        assert text.startswith("at least") == (plain.count("listed_events") >= plain.max_events)


def expect_one_is_singular_and_all_else_is_plural(found: AccountFacts) -> None:
    for group in group_names():
        text = sentence(group, found._replace(words=WORDS))
        assert not re.search(r"\b1 (days|months|messages|\w+ messages)\b", text), text
        assert not re.search(
            r"\b(0|[2-9]|\d\d+) (?!a month)(\w+ )?(day|month|message)\b", text
        ), text
        assert not re.search(r"\b[2-9]\d* of \d+ messages .* is about", text), text


def expect_no_sentence_speaks_of_a_time_before_the_first_message(found: AccountFacts) -> None:
    tenure = found.numbers["tenure_days"]
    plain = found._replace(words=WORDS | {n: "w" for n in found.words if found.words[n]})
    for group in group_names():
        for said in re.findall(r"in the last (\d+) day", sentence(group, plain)):
            assert int(said) <= tenure


@settings(max_examples=cases(300), deadline=None)
@given(possible())
def test_sentences_of_whatever_is_possible_are_true_and_good_english(found: AccountFacts) -> None:
    expect_every_group_has_one_line_for_whatever_is_possible(found)
    expect_every_count_in_a_sentence_is_a_fact(found)
    expect_one_is_singular_and_all_else_is_plural(found)
    expect_no_sentence_speaks_of_a_time_before_the_first_message(found)


def test_the_sentence_of_a_bad_fortnight() -> None:
    bad = facts(
        {"top_negative_area": "billing"},
        negative_14d=3,
        count_14d=4,
        usual_negative_per_30d=1.1,
        top_negative_area_count=3,
    )
    said = "3 negative billing messages in the last 14 days; usual rhythm is one a month"
    assert sentence("negative_feedback", bad) == said
    mixed = bad._replace(numbers={**bad.numbers, "top_negative_area_count": 2})
    assert sentence("negative_feedback", mixed) == (
        "3 negative messages in the last 14 days, 2 of them about billing; "
        "usual rhythm is one a month"
    )


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (
            {"days_since_last": 41.9, "usual_gap": 9.2},
            "quiet for 41 days; usually writes every 9 days",
        ),
        (
            {"days_since_last": 0.4, "usual_gap": 1.2},
            "last message less than a day ago; usually writes every day",
        ),
        ({"days_since_last": 1.5, "lifetime_count": 2}, "last message 1 day ago"),
        ({"days_since_last": 395, "usual_gap": 0.1}, "silent for 395 days"),
        ({"lifetime_count": 0}, "no message so far"),
    ],
)
def test_a_silence_is_told_against_the_own_rhythm(numbers: dict[str, float], said: str) -> None:
    account = {"lifetime_count": 30, "tenure_days": 400, "usual_gap": 9}
    assert sentence("silence", facts(**(account | numbers))) == said


@pytest.mark.parametrize(
    ("group", "numbers", "said"),
    [
        ("volume", {}, "no message in the last 90 days"),
        (
            "volume",
            {"count_30d": 1, "usual_per_30d": 0},
            "1 message in the last 30 days; none before",
        ),
        (
            "volume",
            {"count_14d": 9, "usual_per_30d": 0.3},
            "9 messages in the last 14 days; usual rhythm is one every 3 months",
        ),
        ("negative_feedback", {}, "no negative message in the last 90 days"),
        (
            "volume",
            {"count_14d": 9, "usual_per_30d": 0},
            "9 messages in the last 14 days; none before the last 30 days",
        ),
        (
            "volume",
            {"count_14d": 500, "usual_per_30d": 9, "listed_events": 500},
            "at least 500 messages in the last 14 days",
        ),
        ("volume", {"count_14d": 9, "tenure_days": 13.9, "usual_per_30d": -1}, "9 messages so far"),
        (
            "volume",
            {"count_14d": 9, "tenure_days": 14, "usual_per_30d": -1},
            "9 messages in the last 14 days",
        ),
        ("positive_feedback", {"tenure_days": 0.4}, "no positive message so far"),
        (
            "urgency",
            {"listed_events": 500, "tenure_days": 20},
            "no critical message so far among the newest 500",
        ),
        ("recent_tone", {"tenure_days": 20}, "no message so far"),
        ("urgency", {"critical_90d": 2}, "2 critical messages in the last 90 days"),
        (
            "urgency",
            {"listed_events": 500},
            "no critical message in the last 90 days among the newest 500",
        ),
        (
            "recent_tone",
            {"newest": 5, "newest_negative": 4},
            "of the last 5 messages, 4 negative, none positive",
        ),
        ("recent_tone", {"newest": 1, "newest_positive": 1}, "the last message is positive"),
        ("recent_tone", {"newest": 1}, "the last message is neutral"),
        ("recent_tone", {}, "no message in the last 180 days"),
        (
            "rhythm",
            {"lifetime_count": 1, "tenure_days": 12},
            "only one message so far, 12 days ago",
        ),
        ("tenure", {"lifetime_count": 1, "tenure_days": 1}, "first message 1 day ago"),
        ("tier", {}, "customer tier is pro"),
        ("region", {}, "region is EU"),
        ("topics", {}, "no message in the last 90 days"),
    ],
)
def test_nothing_more_is_said_than_the_facts_show(
    group: str, numbers: dict[str, float], said: str
) -> None:
    assert sentence(group, facts(**numbers)) == said


@pytest.mark.parametrize(
    ("count", "part", "said"),
    [
        (1, 1, "the only message in the last 14 days is about ui_ux"),
        (4, 4, "all 4 messages in the last 14 days are about ui_ux"),
        (4, 1, "1 of 4 messages in the last 14 days is about ui_ux"),
        (4, 3, "3 of 4 messages in the last 14 days are about ui_ux"),
    ],
)
def test_the_share_of_an_area_is_counted(count: int, part: int, said: str) -> None:
    found = facts({"top_area": "ui_ux"}, count_14d=count, top_area_count=part)
    assert sentence("product_areas", found) == said


def test_an_area_and_a_topic_of_one_name_are_told_apart() -> None:
    words = {"top_area": "billing", "top_topic": "billing"}
    found = facts(words, count_14d=9, top_area_count=8, top_topic_count=2)
    assert (
        sentence("product_areas", found) == "8 of 9 messages in the last 14 days are about billing"
    )
    assert sentence("topics", found) == (
        "2 of 9 messages in the last 14 days are on the topic billing"
    )


def test_a_channel_is_what_messages_came_through() -> None:
    found = facts({"top_channel": "chat"}, count_90d=2, top_channel_count=1)
    assert sentence("channels", found) == "1 of 2 messages in the last 90 days came through chat"


def test_a_short_lookback_is_not_stretched() -> None:
    found = facts(count_90d=2)._replace(lookback_days=45)
    assert sentence("volume", found).startswith("2 messages in the last 45 days")


def test_a_word_is_shown_in_one_short_line() -> None:
    found = facts({"tier": "pro\n\x00" + "x" * 99, "region": " "})
    assert sentence("tier", found) == "customer tier is pro  " + "x" * 35 + "..."
    assert sentence("region", found) == "region is not given"


def test_an_unknown_group_is_no_silent_blank() -> None:
    with pytest.raises(KeyError):
        sentence("weather", facts())


def test_phrases() -> None:
    assert [messages(n) for n in (0, 1, 2000)] == ["0 messages", "1 message", "2,000 messages"]
    assert [span(n) for n in (0.9, 1.9, 2.0)] == ["less than a day", "1 day", "2 days"]
    assert [every(n) for n in (0.2, 1.0, 8.6)] == [
        "more than once a day",
        "every day",
        "every 9 days",
    ]
    assert [rate(n) for n in (3.2, 1.2, 0.25)] == ["3 a month", "one a month", "one every 4 months"]
