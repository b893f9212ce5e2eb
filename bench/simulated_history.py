"""A simulated world as a history to measure on: its best possible score can be known."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from pipeline.demo.simulate import simulate

END = datetime(2026, 6, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class SimulatedHistory:
    """What simulates it; the same values give the same rows.

    Attributes:
        scenario: A name in SCENARIOS.
        accounts: How many ever sign up.
        days: Length of the record, which ends at END.
        seed: Where the randomness starts.
    """

    scenario: str
    accounts: int
    days: int
    seed: int

    @property
    def name(self) -> str:
        """What the world is called in tables."""
        return f"{self.scenario} world"

    @property
    def description(self) -> str:
        """What it is, for the page."""
        return f"the {self.scenario} world of pipeline/demo, {self._drawn()}"

    def _drawn(self) -> str:
        return f"{self.accounts:,} accounts that ever sign up, {self.days} days, seed {self.seed}"

    def settings(self) -> dict[str, Any]:
        """Returns the pipeline's settings for this history: the defaults, at its end."""
        return {"as_of": END}

    def write(self, connection: Connection) -> None:
        """Simulates the world into an empty database."""
        simulate(
            connection,
            accounts=self.accounts,
            days=self.days,
            seed=self.seed,
            scenario=self.scenario,
            end=END,
        )

    def labels(self) -> None:
        """There are no labels beside those that the pipeline makes."""
