"""The rows of account_contributions are what the shards say, and add up again."""

import numpy as np
import pyarrow as pa
import pytest

from components.contributions.secants import log_odds_of
from components.contributions.shard_rows import Rows, contribution_rows
from components.errors import StateUnusable
from tests.components.contributions.scored import BASE, GROUPS, Scored, shard

ODD = ["ACC-1", "Ü-ß", "日本", 'a"b', "a\nb", "a\tb", "\\N", " "]


def arrays(rows: Rows, column: str) -> np.ndarray:
    return np.array([one for table in rows.tables for one in table[column].to_pylist()])


def accounts(seed: int = 0) -> dict[str, Scored]:
    random = np.random.default_rng(seed)
    return {name: Scored(random.normal(size=3).tolist()) for name in ODD}


def test_every_account_has_its_groups_and_horizons() -> None:
    given = accounts()
    rows = contribution_rows([shard(given), shard(given)])
    assert rows is not None
    assert rows.layout.horizons == (30, 60, 90)
    assert rows.layout.horizon_days == 60
    assert rows.layout.groups == GROUPS
    assert rows.accounts == 2 * len(ODD)
    names = [name for table in rows.tables for name in table["account_id"].to_pylist()]
    assert names == 2 * ODD
    scores = np.array([one.p for one in given.values()])
    expected = np.stack([scores / 2, scores, scores**0.5], axis=1)
    assert arrays(rows, "probabilities")[: len(ODD)] == pytest.approx(expected, rel=1e-6)
    by_name = [dict(zip(GROUPS, one.log_odds or (), strict=True)) for one in given.values()]
    found = arrays(rows, "log_odds")
    for own, row in zip(2 * by_name, found.tolist(), strict=True):
        assert row == pytest.approx([own[group] for group in GROUPS], abs=1e-6)


def test_they_add_up_to_the_probability_although_numbers_have_32_bits() -> None:
    given = accounts(1) | {"sure": Scored([3.0, 3.0, 3.0]), "safe": Scored([-9.0, -7.0, -3.0])}
    rows = contribution_rows([shard(given)])
    assert rows is not None
    sums = BASE + arrays(rows, "log_odds").sum(axis=1)
    assert sums == pytest.approx(log_odds_of(np.array([one.p for one in given.values()])), abs=3e-6)


def test_parts_of_a_shard_change_nothing() -> None:
    given = shard(accounts())
    whole = contribution_rows([given])
    parts = contribution_rows([shard({}), *(given.slice(at, 3) for at in range(0, len(given), 3))])
    assert whole is not None
    assert parts is not None
    assert len(parts.tables) == 3
    assert pa.concat_tables(parts.tables).equals(pa.concat_tables(whole.tables))
    assert parts.layout == whole.layout


def test_without_reasons_the_probabilities_are_kept() -> None:
    rows = contribution_rows([shard({"a": Scored(probability=0.25), "b": Scored(probability=0.5)})])
    assert rows is not None
    assert rows.layout.groups == ()
    (table,) = rows.tables
    assert table["log_odds"].null_count == table["base_log_odds"].null_count == 2
    assert arrays(rows, "probabilities")[:, 1].tolist() == [0.25, 0.5]


def test_no_row_is_nothing() -> None:
    assert contribution_rows([]) is None
    assert contribution_rows([shard({})]) is None


def broken(column: str, value: object) -> pa.Table:
    table = shard({name: Scored([0.1, 0.2, 0.3]) for name in ("a", "b", "c")})
    values = table[column].to_pylist()
    values[1] = value
    place = table.column_names.index(column)
    return table.set_column(place, column, pa.array(values, table[column].type))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("churn_by_horizon", '{"30": 0.1, "60": 0.2}', "a probability is missing"),
        ("churn_by_horizon", '{"30": 0.1, "60": 0.2, "90": 0.3}', "does not hold"),
        ("churn_by_horizon", "[", "Arrow says"),
        ("churn_by_horizon", None, "a probability is missing"),
        ("churn_probability", 0.5, "does not hold"),
        ("contributions", [0.1, 0.2], "a contribution of each group"),
        ("contributions", None, "a contribution of each group"),
        ("contributions", [0.1, 0.2, 5.0], "do not add up"),
        ("contributions", [0.1, 0.2, float("nan")], "do not add up"),
        ("base_log_odds", 0.0, "do not add up"),
        ("base_log_odds", None, "do not add up"),
    ],
)
def test_damaged_shards_are_named(column: str, value: object, said: str) -> None:
    with pytest.raises(StateUnusable, match=said):
        contribution_rows([broken(column, value)])


def test_json_that_is_none_in_the_first_row_is_damage() -> None:
    table = shard({"a": Scored([0.1, 0.2, 0.3])})
    place = table.column_names.index("churn_by_horizon")
    with pytest.raises(StateUnusable, match="first account"):
        contribution_rows([table.set_column(place, "churn_by_horizon", pa.array(["{"]))])
