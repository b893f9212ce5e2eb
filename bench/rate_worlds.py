"""Worlds of other base rates: the base world of pipeline/demo with its churn logit shifted.

Shifts were found by drawing each world at seed 1 and counting who leaves after the evaluation
cutoff; nothing was learnt from them before. The base world itself has 6 %.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from bench.simulated_history import SimulatedHistory
from pipeline.demo.world_model import SCENARIOS

DAYS: Final = 476
INACTIVITY: Final = "inactivity"


@dataclass(frozen=True)
class RateWorld(SimulatedHistory):
    """The base world at another base rate.

    Attributes:
        shift: Added to the churn logit of every tier.
        label_source: account_churn or inactivity.
    """

    shift: float
    label_source: str = "account_churn"

    @property
    def name(self) -> str:
        """What the world is called in tables."""
        return f"world of {self.scenario}"

    @property
    def description(self) -> str:
        """What it is, for the page."""
        own = f"the base world with {self.shift:+g} on its churn logit, {self._drawn()}"
        return f"{own}, labelled by inactivity" if self.label_source == INACTIVITY else own

    def settings(self) -> dict[str, Any]:
        """Returns the pipeline's settings for this history."""
        return {**super().settings(), "label_source": self.label_source}

    def write(self, connection: Connection) -> None:
        """Simulates the world into an empty database.

        Its equations get a name in SCENARIOS, by which bench/limit.py finds them again.
        """
        base = SCENARIOS["base"]
        free, pro, enterprise = (one + self.shift for one in base.intercepts)
        SCENARIOS[self.scenario] = replace(base, intercepts=(free, pro, enterprise))
        super().write(connection)


RATE_WORLDS: Final = {
    "2": RateWorld("2 %", 8_000, DAYS, 1, -1.2),
    "20": RateWorld("20 %", 12_000, DAYS, 1, 1.9),
    "65": RateWorld("65 %", 30_000, DAYS, 1, 4.2),
    "65-inactivity": RateWorld("65 % by inactivity", 8_000, DAYS, 1, 2.7, INACTIVITY),
}
"""By the name on the command line."""
