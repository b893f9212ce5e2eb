"""The champion rule against a plain reference, for any models and any transitions."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.errors import TensInsightError, TransitionRefused, UnknownModel
from components.registry.rule import (
    KINDS,
    PIN,
    PROMOTE,
    UNPIN,
    WITHDRAW,
    JudgedModel,
    StageTransition,
    champion,
    require_possible,
    stages_after,
)

VERSIONS = ("v1", "v2", "v3", "v4")
ids = st.permutations(range(1, len(VERSIONS) + 1))
moments = st.integers(min_value=1, max_value=12)


@st.composite
def histories(draw: Any) -> tuple[list[JudgedModel], list[StageTransition]]:
    """Models in any order, some not blessed, and transitions on them and on one that is unknown."""
    count = draw(st.integers(0, len(VERSIONS)))
    models = [
        JudgedModel(version, model_id, judged, draw(moments) if judged and blessed else None)
        for version, model_id, judged, blessed in zip(
            VERSIONS[:count],
            draw(ids)[:count],
            draw(st.lists(st.booleans(), min_size=count, max_size=count)),
            draw(st.lists(st.booleans(), min_size=count, max_size=count)),
            strict=True,
        )
    ]
    kinds = st.tuples(st.sampled_from(KINDS), st.sampled_from((*VERSIONS, "gone")), moments)
    transitions = [
        StageTransition(number, kind, version, at)
        for number, (kind, version, at) in enumerate(draw(st.lists(kinds, max_size=8)), 1)
    ]
    return models, transitions


def reference(models: list[JudgedModel], transitions: list[StageTransition]) -> str | None:
    """The rule as one would say it, walked through one model and one transition at a time."""
    pinned = None
    for transition in transitions:
        if transition.kind == PIN:
            pinned = transition.version
        if transition.kind == UNPIN:
            pinned = None
    best = None
    for model in models:
        if model.blessed_at is None:
            continue
        state, since = "in use", model.blessed_at
        for transition in transitions:
            if transition.version == model.version and transition.kind == WITHDRAW:
                state, since = "withdrawn", model.blessed_at
            if transition.version == model.version and transition.kind == PROMOTE:
                state, since = "in use", max(model.blessed_at, transition.at)
        if state == "withdrawn":
            continue
        key = (model.version == pinned, since, model.model_id)
        if best is None or key > best[0]:
            best = (key, model.version)
    return best[1] if best else None


@given(histories())
@example(
    (
        [JudgedModel("v1", 1, True, 5), JudgedModel("v2", 2, True, 7)],
        [
            StageTransition(1, PROMOTE, "v1", 9),
            StageTransition(2, WITHDRAW, "v1", 10),
            StageTransition(3, PROMOTE, "v1", 6),
        ],
    )
)
def test_the_rule_is_the_reference(
    history: tuple[list[JudgedModel], list[StageTransition]],
) -> None:
    models, transitions = history
    found = champion(models, reversed(transitions))
    assert (found.version if found else None) == reference(models, transitions)


@given(histories())
def test_nothing_unblessed_or_withdrawn_is_ever_champion(
    history: tuple[list[JudgedModel], list[StageTransition]],
) -> None:
    models, transitions = history
    found = champion(models, transitions)
    if found is not None:
        assert found.blessed_at is not None
        assert found.version not in stages_after(transitions).withdrawn


@given(histories())
def test_acts_that_were_let_through_do_what_they_say(
    history: tuple[list[JudgedModel], list[StageTransition]],
) -> None:
    models, wanted = history
    transitions: list[StageTransition] = []
    for clock, transition in enumerate(wanted, 100):
        done = StageTransition(len(transitions) + 1, transition.kind, transition.version, clock)
        try:
            require_possible(transition.kind, transition.version, models, transitions)
        except TensInsightError:
            continue
        before = champion(models, transitions)
        transitions.append(done)
        now = champion(models, transitions)
        if transition.kind == PIN or (
            transition.kind == PROMOTE and stages_after(transitions).pin is None
        ):
            assert now is not None
            assert now.version == transition.version
        if transition.kind == WITHDRAW:
            assert now is None or now.version != transition.version
            if before is not None and before.version != transition.version:
                assert now == before
        pin = stages_after(transitions).pin
        if pin is not None:
            assert now is not None
            assert now.version == pin.version


def test_an_act_of_an_unknown_kind_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="'retire'"):
        champion([], [StageTransition(1, "retire", "v1", 1)])


OLD, NEW = (
    JudgedModel("20260101-aaaaaaaa", 1, True, 10),
    JudgedModel("20260201-bbbbbbbb", 2, True, 20),
)
REFUSED = JudgedModel("20260301-cccccccc", 3, True, None)
UNJUDGED = JudgedModel("20260401-dddddddd", 4, False, None)
MODELS = [OLD, NEW, REFUSED, UNJUDGED]


@pytest.mark.parametrize(
    ("kind", "version", "transitions", "said"),
    [
        (PROMOTE, REFUSED.version, [], "was not blessed, and nothing unblessed is ever published"),
        (PIN, REFUSED.version, [], "cannot be pinned"),
        (PROMOTE, UNJUDGED.version, [], "was not judged"),
        (PIN, OLD.version, [(WITHDRAW, OLD.version)], "models promote 20260101-aaaaaaaa"),
        (PIN, OLD.version, [(PIN, OLD.version)], "pinned already (by ann@host at 1970-01-01"),
        (WITHDRAW, OLD.version, [(PIN, OLD.version)], "Unpin it first"),
        (WITHDRAW, OLD.version, [(WITHDRAW, OLD.version)], "withdrawn already"),
        (UNPIN, "", [], "No model is pinned"),
        (UNPIN, "", [(PIN, OLD.version), (UNPIN, OLD.version)], "No model is pinned"),
    ],
)
def test_what_is_refused_and_why(
    kind: str, version: str, transitions: list[tuple[str, str]], said: str
) -> None:
    done = [
        StageTransition(number, *transition, 1, "ann@host", "why")
        for number, transition in enumerate(transitions, 1)
    ]
    with pytest.raises(TransitionRefused) as refused:
        require_possible(kind, version, MODELS, done)
    assert said in str(refused.value)


def test_an_unknown_version_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownModel, match="Did you mean 20260201-bbbbbbbb"):
        require_possible(PROMOTE, "20260201-bbbbbbba", MODELS, [])
    with pytest.raises(UnknownModel, match="none was trained yet"):
        require_possible(PROMOTE, "20260201-bbbbbbbb", [], [])
