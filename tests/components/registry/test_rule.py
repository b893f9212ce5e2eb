"""The champion rule against a plain reference, for any models and any transitions."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.errors import TensInsightError, TransitionRefused, UnknownModel
from components.registry.possible import require_possible
from components.registry.rule import (
    FORMER_CHAMPION,
    NEWEST_CHALLENGER,
    PINNED_SHADOW,
    champion,
    publishable_since,
    second_of_split,
    shadow_models,
    shadowed,
)
from components.registry.stages import (
    ACCEPT,
    END_SHADOW,
    END_SPLIT,
    KINDS,
    PIN,
    PROMOTE,
    SHADOW,
    SPLIT,
    UNPIN,
    WITHDRAW,
    JudgedModel,
    StageTransition,
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
        JudgedModel(
            version,
            model_id,
            judged,
            draw(moments) if judged and blessed else None,
            judged and blessed and draw(st.booleans()),
            acceptable=judged and not blessed and draw(st.booleans()),
            judged_beside=draw(st.none() | st.integers(1, len(VERSIONS))),
        )
        for version, model_id, judged, blessed in zip(
            VERSIONS[:count],
            draw(ids)[:count],
            draw(st.lists(st.booleans(), min_size=count, max_size=count)),
            draw(st.lists(st.booleans(), min_size=count, max_size=count)),
            strict=True,
        )
    ]
    names = st.sampled_from((*VERSIONS, "gone"))
    kinds = st.tuples(st.sampled_from(KINDS), names, moments, names)
    transitions = [
        StageTransition(number, kind, version, at, other=other if kind == SPLIT else "")
        for number, (kind, version, at, other) in enumerate(draw(st.lists(kinds, max_size=8)), 1)
    ]
    return models, transitions


def reference(models: list[JudgedModel], transitions: list[StageTransition]) -> str | None:
    """The rule as one would say it, walked through one model and one transition at a time."""
    pinned, split = None, ("", "")
    for transition in transitions:
        if transition.kind == PIN:
            pinned = transition.version
        if transition.kind == UNPIN:
            pinned = None
        if transition.kind == SPLIT:
            split = (transition.version, transition.other)
        if transition.kind == END_SPLIT:
            split = ("", "")
    best = None
    for model in models:
        own = [transition for transition in transitions if transition.version == model.version]
        accepted = [transition.at for transition in own if transition.kind == ACCEPT]
        begun = model.blessed_at
        if begun is None and model.acceptable and accepted:
            begun = accepted[-1]
        if begun is None:
            continue
        state, since = "in shadow" if model.in_shadow else "in use", begun
        for transition in own:
            if transition.kind == WITHDRAW:
                state, since = "withdrawn", begun
            if transition.kind == PROMOTE:
                state, since = "in use", max(begun, transition.at)
        chosen = model.version in (pinned, *split)
        if state == "withdrawn" or (state == "in shadow" and not chosen):
            continue
        halves = (model.version == split[0], model.version == split[1])
        key = (model.version == pinned, *halves, since, model.model_id)
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
def test_a_model_in_shadow_neither_scores_nor_is_withdrawn(
    history: tuple[list[JudgedModel], list[StageTransition]],
) -> None:
    models, transitions = history
    leader, waiting = champion(models, transitions), shadowed(models, transitions)
    assert leader not in waiting
    assert [one.model_id for one in waiting] == sorted(
        (one.model_id for one in waiting), reverse=True
    )
    for one in waiting:
        assert one.in_shadow
        assert one.version not in stages_after(transitions).withdrawn
        at = max((transition.at for transition in transitions), default=0) + 100
        promoted = StageTransition(len(transitions) + 1, PROMOTE, one.version, at)
        now = stages_after(transitions)
        if now.pin is None and now.split is None:
            assert champion(models, [*transitions, promoted]) == one


@given(histories())
def test_nothing_unblessed_or_withdrawn_is_ever_champion(
    history: tuple[list[JudgedModel], list[StageTransition]],
) -> None:
    models, transitions = history
    found = champion(models, transitions)
    if found is not None:
        now = stages_after(transitions)
        assert found.blessed_at is not None or (found.acceptable and found.version in now.accepted)
        assert found.version not in now.withdrawn


@given(histories())
def test_acts_that_were_let_through_do_what_they_say(
    history: tuple[list[JudgedModel], list[StageTransition]],
) -> None:
    models, wanted = history
    transitions: list[StageTransition] = []
    for clock, transition in enumerate(wanted, 100):
        kind, version, other = transition.kind, transition.version, transition.other
        done = StageTransition(len(transitions) + 1, kind, version, clock, other=other)
        try:
            require_possible(kind, version, models, transitions, other)
        except TensInsightError:
            continue
        before = champion(models, transitions)
        transitions.append(done)
        now = champion(models, transitions)
        stages = stages_after(transitions)
        if transition.kind in (PIN, SPLIT) or (
            transition.kind == PROMOTE and stages.pin is None and stages.split is None
        ):
            assert now is not None
            assert now.version == transition.version
        if transition.kind == ACCEPT:
            accepted = next(one for one in models if one.version == version)
            assert accepted.acceptable
            if before is not None:
                assert accepted.judged_beside == before.model_id
            if stages.pin is None and stages.split is None:
                assert now is not None
                assert now.version == version
        if transition.kind == WITHDRAW:
            assert now is None or now.version != transition.version
            if before is not None and before.version != transition.version:
                assert now == before
        if stages.pin is not None:
            assert now is not None
            assert now.version == stages.pin.version
        if transition.kind == SPLIT:
            second = second_of_split(models, transitions)
            assert second is not None
            assert second.version == other


@given(histories())
def test_the_second_of_a_split_may_score_and_is_not_the_champion(
    history: tuple[list[JudgedModel], list[StageTransition]],
) -> None:
    models, transitions = history
    second, now = second_of_split(models, transitions), stages_after(transitions)
    if second is not None:
        leader = champion(models, transitions)
        assert leader is not None
        assert now.split is not None
        assert (leader.version, second.version) == (now.split.version, now.split.other)
        assert publishable_since(second, now) is not None
        assert second.version not in now.withdrawn


@given(histories())
def test_models_in_shadow_are_others_than_those_that_are_published(
    history: tuple[list[JudgedModel], list[StageTransition]],
) -> None:
    models, transitions = history
    found = shadow_models(models, transitions)
    leader, second = champion(models, transitions), second_of_split(models, transitions)
    names = [one.version for one in found.values()]
    assert len(set(names)) == len(names)
    assert not {one.version for one in (leader, second) if one is not None} & {*names}
    former, now = found.get(FORMER_CHAMPION), stages_after(transitions)
    if former is not None:
        assert publishable_since(former, now) is not None
        assert former.version not in now.withdrawn
    challenger = found.get(NEWEST_CHALLENGER)
    if challenger is not None:
        assert leader is not None
        assert challenger.model_id > leader.model_id
        assert challenger.version not in now.withdrawn


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


def test_who_scores_in_shadow() -> None:
    def roles(*transitions: tuple[str, str]) -> dict[str, str]:
        done = [StageTransition(at, kind, name, at) for at, (kind, name) in enumerate(transitions)]
        return {role: one.version for role, one in shadow_models(MODELS, done).items()}

    challenger = {NEWEST_CHALLENGER: UNJUDGED.version}
    assert roles() == {FORMER_CHAMPION: OLD.version} | challenger
    assert roles((WITHDRAW, OLD.version)) == challenger
    assert roles((PIN, OLD.version)) == {FORMER_CHAMPION: NEW.version} | challenger
    # One that the gate refused may be looked at, since nothing of it is published.
    assert roles((SHADOW, REFUSED.version)) == {
        PINNED_SHADOW: REFUSED.version,
        FORMER_CHAMPION: OLD.version,
        NEWEST_CHALLENGER: UNJUDGED.version,
    }
    assert roles((SHADOW, OLD.version)) == {PINNED_SHADOW: OLD.version} | challenger
    assert roles((SHADOW, OLD.version), (END_SHADOW, "")) == roles()
    # A rollback: the champion is withdrawn, and nobody is left to be the former one.
    assert roles((WITHDRAW, NEW.version)) == challenger
    assert shadow_models([], []) == {}


@pytest.mark.parametrize(
    ("kind", "version", "transitions", "said"),
    [
        (PROMOTE, REFUSED.version, [], "was not blessed, and only what was blessed or accepted"),
        (PIN, REFUSED.version, [], "cannot be pinned"),
        (PROMOTE, UNJUDGED.version, [], "was not judged"),
        (PIN, OLD.version, [(WITHDRAW, OLD.version)], "models promote 20260101-aaaaaaaa"),
        (PIN, OLD.version, [(PIN, OLD.version)], "pinned already (by ann@host at 1970-01-01"),
        (WITHDRAW, OLD.version, [(PIN, OLD.version)], "Unpin it first"),
        (WITHDRAW, OLD.version, [(WITHDRAW, OLD.version)], "withdrawn already"),
        (UNPIN, "", [], "No model is pinned"),
        (UNPIN, "", [(PIN, OLD.version), (UNPIN, OLD.version)], "No model is pinned"),
        (SHADOW, NEW.version, [], "is the champion: what it says is published"),
        (SHADOW, OLD.version, [(SHADOW, OLD.version)], "in shadow already"),
        (SHADOW, NEW.version, [(SPLIT, OLD.version)], "a share of the accounts already (by ann@"),
        (END_SHADOW, "", [], "Nobody put a model in shadow"),
        (END_SPLIT, "", [], "No split lasts"),
        (PIN, OLD.version, [(SPLIT, OLD.version)], "models split --end"),
    ],
)
def test_what_is_refused_and_why(
    kind: str, version: str, transitions: list[tuple[str, str]], said: str
) -> None:
    done = [
        StageTransition(number, *transition, 1, "ann@host", "why", other=NEW.version)
        for number, transition in enumerate(transitions, 1)
    ]
    with pytest.raises(TransitionRefused) as refused:
        require_possible(kind, version, MODELS, done)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("a", "b", "transitions", "said"),
    [
        (NEW, REFUSED, [], "was not blessed, and only what was blessed or accepted"),
        (UNJUDGED, NEW, [], "was not judged"),
        (NEW, NEW, [], "Both models of the split are"),
        (NEW, OLD, [(WITHDRAW, OLD.version)], "was withdrawn"),
        (NEW, OLD, [(PIN, NEW.version)], "models unpin"),
        (NEW, OLD, [(SPLIT, OLD.version)], "share the accounts already"),
    ],
)
def test_which_models_cannot_share_the_accounts(
    a: JudgedModel, b: JudgedModel, transitions: list[tuple[str, str]], said: str
) -> None:
    done = [
        StageTransition(number, *transition, 1, "ann@host", "why", other=NEW.version)
        for number, transition in enumerate(transitions, 1)
    ]
    with pytest.raises(TransitionRefused) as refused:
        require_possible(SPLIT, a.version, MODELS, done, b.version)
    assert said in str(refused.value)


THIN, WORSE, ELSEWHERE = (
    JudgedModel("20260501-eeeeeeee", 5, True, None, acceptable=True, judged_beside=NEW.model_id),
    JudgedModel(
        "20260601-ffffffff",
        *(6, True, None),
        unacceptable_because="auc against the champion is -0.05",
        judged_beside=NEW.model_id,
    ),
    JudgedModel("20260701-99999999", 7, True, None, acceptable=True, judged_beside=OLD.model_id),
)
MORE = [*MODELS, THIN, WORSE, ELSEWHERE]


def made(*transitions: tuple[str, str]) -> list[StageTransition]:
    return [
        StageTransition(number, kind, version, 100 + number, "ann@host", "why")
        for number, (kind, version) in enumerate(transitions, 1)
    ]


@pytest.mark.parametrize(
    ("version", "transitions", "said"),
    [
        (WORSE.version, [], "cannot be accepted: auc against the champion is -0.05"),
        (REFUSED.version, [], "did not record that it lacks evidence alone"),
        (UNJUDGED.version, [], "was not judged"),
        (NEW.version, [], "was blessed, and needs no acceptance"),
        (ELSEWHERE.version, [], f"never compared it with the champion {NEW.version}"),
        (THIN.version, [(ACCEPT, THIN.version)], "accepted already (by ann@host"),
        (THIN.version, [(WITHDRAW, THIN.version)], "it cannot be accepted. `tens-insight run tr"),
        (
            THIN.version,
            [(ACCEPT, THIN.version), (WITHDRAW, THIN.version)],
            f"models promote {THIN.version}` lifts the withdrawal",
        ),
        # The champion that it was compared with is not the one that scores by now.
        (THIN.version, [(WITHDRAW, NEW.version)], f"with the champion {OLD.version}"),
    ],
)
def test_which_models_nobody_may_accept(
    version: str, transitions: list[tuple[str, str]], said: str
) -> None:
    with pytest.raises(TransitionRefused) as refused:
        require_possible(ACCEPT, version, MORE, made(*transitions))
    assert said in str(refused.value)


def test_an_accepted_model_scores_until_a_newer_one_is_blessed_or_it_is_withdrawn() -> None:
    def leads(*transitions: tuple[str, str], among: Sequence[JudgedModel] = MORE) -> str:
        found = champion(among, made(*transitions))
        assert found is not None
        return found.version

    accepted = (ACCEPT, THIN.version)
    require_possible(ACCEPT, THIN.version, MORE, [])
    assert leads() == NEW.version
    assert leads(accepted) == THIN.version
    assert leads(accepted, (WITHDRAW, THIN.version)) == NEW.version
    assert leads(accepted, (WITHDRAW, THIN.version), (PROMOTE, THIN.version)) == THIN.version
    assert leads(accepted, (PIN, OLD.version)) == OLD.version
    newer = JudgedModel("20260801-11111111", 8, True, 500)
    assert leads(accepted, among=[*MORE, newer]) == newer.version
    # No decision of a person makes a champion of one that the gate found worse.
    assert leads((ACCEPT, WORSE.version)) == NEW.version
    for kind in (PROMOTE, PIN):
        require_possible(kind, THIN.version, MORE, made(accepted))
    with pytest.raises(TransitionRefused, match=f"models accept {THIN.version} --reason WHY"):
        require_possible(PROMOTE, THIN.version, MORE, [])


def test_an_unknown_version_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownModel, match="Did you mean 20260201-bbbbbbbb"):
        require_possible(PROMOTE, "20260201-bbbbbbba", MODELS, [])
    with pytest.raises(UnknownModel, match="none was trained yet"):
        require_possible(PROMOTE, "20260201-bbbbbbbb", [], [])
