"""Random histories of publications against a plain model: the same events, ends, and order."""

from contextlib import closing

import psycopg2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.components.account_events.world import Score, World
from tests.property_tests import cases

PROBABILITIES = st.sampled_from([0.05, 0.2, 0.25, 0.3, 0.45, 0.5, 0.55, 0.7, 0.75, 0.8, 0.95])
SCORES = st.dictionaries(
    st.sampled_from("ABCDEH"),
    st.builds(Score, PROBABILITIES, st.sampled_from(["active", "silent", "quiet"])),
    max_size=6,
)
AREAS = st.dictionaries(
    st.tuples(st.sampled_from(["billing", "search"]), st.sampled_from(["enterprise", "free"])),
    st.sampled_from([10.0, 79.9, 80.0, 99.0]),
    max_size=4,
)
DAYS = st.sampled_from([0, 0, 1, 1, 1, 2, 7, 8])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("score"), DAYS, SCORES, st.sampled_from(["m-1"] * 4 + ["m-2"]),
                  st.sampled_from([""] * 5 + ["lift"])),
        st.tuples(st.just("score"), DAYS, SCORES, st.just("m-1"), st.just("")),
        st.tuples(st.just("areas"), DAYS, AREAS, st.sampled_from(["w-1", "w-1", "w-2"])),
        st.tuples(st.just("missed"), DAYS, SCORES),
        st.tuples(st.just("undo")),
        st.tuples(st.just("again")),
    ),
    min_size=3,
    max_size=14,
)  # fmt: skip


@pytest.fixture
def connection(migrated_database):
    with closing(psycopg2.connect(migrated_database)) as opened:
        yield opened


def play(world, steps):
    day, newest = 0, None
    for what, *rest in steps:
        if what == "undo":
            standing = [one for one in world.model.log if not one.undone]
            if standing:
                world.undo(standing[-1])
        elif what == "again":
            if newest is not None:
                world.handle(newest)
        else:
            day += rest[0]
            if what == "areas":
                world.publish_areas(day, *rest[1:])
            else:
                published = world.publish(day, *rest[1:])
                if what == "score":
                    newest = published
                    world.handle(newest)
        world.check()


@given(STEPS)
@example(
    [
        ("score", 0, {}, "m-1", ""),
        ("areas", 0, {}, "w-2"),
        ("score", 0, {}, "m-1", ""),
        ("score", 0, {}, "m-1", ""),
        ("areas", 0, {("billing", "enterprise"): 80.0}, "w-1"),
        ("again",),
    ]
)
@settings(
    max_examples=cases(120),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_events_are_those_of_the_model(connection, steps):
    with connection.cursor() as cursor:
        try:
            play(World(cursor), steps)
        finally:
            connection.rollback()
