"""Reads a simulated world back: its definition, what was written, who left."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from bench.weekly_counts import Observations
from components.errors import ContractBroken
from pipeline.demo import world_model as model
from pipeline.demo.copy_text import ACCOUNT_PREFIX
from pipeline.demo.simulate import describe_world
from pipeline.demo.world import BLOCK, World, draw_accounts
from transforms.arrays import Booleans, Integers

QUERY = Path(__file__).with_name("observations.sql")


@dataclass(frozen=True)
class Snapshot:
    """A simulated world as seen at a cutoff.

    Attributes:
        world: Its definition.
        cutoff: Seconds since the start of the record.
        account_ids: The n accounts that have written and not left, in order.
        observations: What is known of them.
        churned: Whether they left within the horizon, shape [n].
    """

    world: World
    cutoff: int
    account_ids: list[str]
    observations: Observations
    churned: Booleans


def read_snapshot(connection: Connection, cutoff: datetime, horizon_days: int) -> Snapshot:
    """Reads what is known at a cutoff, and what came of it.

    Args:
        connection: To a database that holds a simulated world.
        cutoff: With a time zone.
        horizon_days: Churn in [cutoff, cutoff + horizon) counts.

    Raises:
        ContractBroken: No simulated world is recorded, or the record ends before the horizon.
    """
    world, started_at, ended_at = read_world(connection)
    closing = cutoff + timedelta(days=horizon_days)
    if not started_at < cutoff <= closing <= ended_at:
        raise ContractBroken(
            f"The simulated world covers {started_at} to {ended_at}; the cutoff {cutoff} and "
            f"the {horizon_days} days after it must lie within. Choose an earlier cutoff."
        )
    churned_at = read_churn(connection)
    rows = read_rows(connection, started_at, cutoff)
    gone = [number for number, date in churned_at.items() if date < cutoff]
    present = np.setdiff1d(rows[:, 0], gone)
    rows = rows[np.isin(rows[:, 0], present)]
    tier, signup = read_accounts(world)
    return Snapshot(
        world=world,
        cutoff=int((cutoff - started_at).total_seconds()),
        account_ids=[f"{ACCOUNT_PREFIX}{number:06d}" for number in present],
        observations=Observations(
            tier[present - 1],
            signup[present - 1],
            np.searchsorted(present, rows[:, 0]),
            *rows.T[1:],
        ),
        churned=np.isin(present, [n for n, date in churned_at.items() if date < closing]),
    )


def read_world(connection: Connection) -> tuple[World, datetime, datetime]:
    """Returns the newest simulated world's definition, its start and its end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seed, scenario, accounts, days, started_at, ended_at "
            "FROM tens_insight.simulated_worlds ORDER BY world_id DESC LIMIT 1"
        )
        row = cursor.fetchone()
    if row is None:
        raise ContractBroken(
            "The database records no simulated world, so its limit is unknown: "
            "run `tens-insight simulate` in an empty database."
        )
    seed, scenario, accounts, days, started_at, ended_at = row
    if scenario not in model.SCENARIOS:
        raise ContractBroken(
            f"The limit of a world of {scenario!r} is unknown: its rows are not those that the "
            "world's equations gave. Run `tens-insight simulate` with `--shape plain`."
        )
    world = describe_world(accounts=accounts, days=days, seed=seed, scenario=scenario)
    return world, started_at, ended_at


def read_churn(connection: Connection) -> dict[int, datetime]:
    """Returns when each account that left did so, by its number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_id, churned_at FROM account_churn")
        return {account_number(account_id): date for account_id, date in cursor}


def read_rows(connection: Connection, started_at: datetime, cutoff: datetime) -> Integers:
    """Returns account number, second, area, sentiment and priority, shape [rows, 5]."""
    parameters = {
        "started_at": started_at,
        "cutoff": cutoff,
        "areas": list(model.AREAS),
        "sentiments": list(model.SENTIMENT_NAMES),
    }
    with connection.cursor() as cursor:
        cursor.execute(QUERY.read_text(encoding="utf-8"), parameters)
        rows = [(account_number(account_id), *codes) for account_id, *codes in cursor]
    return np.array(rows, dtype=np.int64).reshape(-1, 5)


def read_accounts(world: World) -> tuple[Integers, Integers]:
    """Returns tier and week of sign-up of all accounts, drawn again from the seed."""
    blocks = [draw_accounts(world, first) for first in range(0, world.accounts, BLOCK)]
    return (
        np.concatenate([block.tier for block in blocks]),
        np.concatenate([block.signup for block in blocks]),
    )


def account_number(account_id: str) -> int:
    """Returns the number of a simulated account.

    Raises:
        ContractBroken: The account is not simulated.
    """
    digits = account_id.removeprefix(ACCOUNT_PREFIX)
    if digits == account_id or not digits.isdigit():
        raise ContractBroken(f"Account {account_id!r} is not simulated, so it has no known limit.")
    return int(digits)
