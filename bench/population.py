"""What ACTIVE_WITHIN_DAYS is worth where contracts end without a churn date, and where none does.

Simulated worlds of several churn rates, each as it is and with contracts that end without a row
in account_churn, and recorded histories are learnt twice: from all accounts, and from those that
`auto` takes for customers. Both models are compared on the latter, at the evaluation cutoff:

    python -m bench.population --worlds base ended --seeds 1 2
    python -m bench.population --histories FOLDER FOLDER
    python -m bench.population --proposals

The last prints what `auto` proposes, for many worlds and histories, and trains nothing.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from bench.history_folder import read_folder
from bench.simulated_history import SimulatedHistory
from bench.trained_history import History, TrainedHistory, trained
from components.feedback_example_gen.examples import ExampleRules, take_examples
from components.feedback_example_gen.living_gaps import ActiveLimit, propose_limit
from components.feedback_example_gen.reading.feedback_reader import (
    ChurnSource,
    read_churn,
    read_moments,
)
from components.postgres.queries import named_queries
from pipeline.demo.world_model import INTERCEPTS, SCENARIOS
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.logs import silence_libraries
from serving_model.evaluation.metrics import AUC, LOG_LOSS, METRICS
from serving_model.evaluation.paired_bootstrap import interval, paired_bootstrap
from serving_model.served.risk_bands import DEFAULT_LIFTS
from transforms.arrays import Floats

RATES: Final = {"2 %": -1.2, "6 %": 0.0, "20 %": 1.4, "65 %": 3.2}
"""Shift of the churn logit of the base world that leads to about this base rate."""
HAZARD: Final = 0.012
"""Weekly chance that a contract ends without a row: about a third of the examples are ended."""
_STATEMENTS: Final = Path(__file__).with_name("ended_contracts.sql")
OFF, ON = "all accounts", "auto"


@dataclass(frozen=True)
class PopulationWorld(SimulatedHistory):
    """A simulated world whose contracts may end without a churn date.

    Attributes:
        hazard: Weekly chance that a contract ends so.
        weekly_rows: Accounts that write less often are left out: of the others a short silence
            tells much, as where feedback is not all that is recorded.
    """

    hazard: float = 0.0
    weekly_rows: float = 0.0

    @property
    def name(self) -> str:
        """What the world is called in tables."""
        ended = ", contracts end" if self.hazard else ""
        often = f", {self.weekly_rows:g} rows a week or more" if self.weekly_rows else ""
        return f"{self.scenario}{often}{ended}, seed {self.seed}"

    def write(self, connection: Connection) -> None:
        """Simulates the world into an empty database, and ends contracts."""
        super().write(connection)
        statements = named_queries(_STATEMENTS.read_text(encoding="utf-8"))
        with connection, connection.cursor() as cursor:
            if self.weekly_rows:
                cursor.execute(statements["keep_frequent"], {"weekly_rows": self.weekly_rows})
            if self.hazard:
                values = {"hazard": self.hazard, "seed": self.seed}
                cursor.execute(statements["end_contracts"], values)


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    options = _parse(arguments)
    # A name for each rate, as the simulation takes names.
    for rate, shift in RATES.items():
        free, pro, enterprise = (one + shift for one in INTERCEPTS)
        SCENARIOS[rate] = replace(SCENARIOS["base"], intercepts=(free, pro, enterprise))
    histories = list(_histories(options))
    silence_libraries()
    for history in histories:
        if options.proposals:
            print(f"| {history.name} | {_proposed(history)} |", flush=True)
        else:
            print(_compared(history), flush=True)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--worlds", nargs="*", default=[], help=f"Of {', '.join(SCENARIOS)}, rates."
    )
    parser.add_argument("--ended", nargs="*", default=[], help="Worlds whose contracts end.")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--accounts", type=int, default=4_000, help="That ever sign up.")
    parser.add_argument("--days", nargs="+", type=int, default=[730], help="Length of the record.")
    parser.add_argument("--weekly-rows", type=float, default=0.0, help="Of accounts that are kept.")
    parser.add_argument("--hazard", type=float, default=HAZARD, help="Of the ends of contracts.")
    parser.add_argument("--histories", nargs="*", type=Path, default=[], metavar="FOLDER")
    parser.add_argument("--proposals", action="store_true", help="What auto proposes, no more.")
    return parser.parse_args(arguments)


def _histories(options: argparse.Namespace) -> Iterator[History]:
    for days in options.days:
        for seed in options.seeds:
            for names, hazard in ((options.worlds, 0.0), (options.ended, options.hazard)):
                for name in names:
                    yield PopulationWorld(
                        name, options.accounts, days, seed, hazard, options.weekly_rows
                    )
    for folder in options.histories:
        yield read_folder(folder)


def _compared(history: History) -> str:
    with trained(history, {"active_within_days": "off"}) as found:
        off = found
    with trained(history, {"active_within_days": "auto"}) as found:
        on = found
    place = {account: row for row, account in enumerate(off.accounts)}
    missing = [account for account in on.accounts if account not in place]
    living = np.array([place[one] for one in on.accounts if one in place])
    kept = np.array([one in place for one in on.accounts])
    labels = on.testing.labels[kept].astype(np.float64)
    models = {OFF: off.ours[living], ON: on.ours[kept]}
    lines = [
        f"{history.name}: {len(off.training.labels)} training examples of all accounts, "
        f"{len(on.training.labels)} with auto; evaluated {len(off.accounts)} and "
        f"{len(on.accounts)} ({len(missing)} of them not among all)",
        f"  headline AUC {_metric(AUC.name, off.testing.labels, off.ours):.4f} of all accounts, "
        f"{_metric(AUC.name, on.testing.labels, on.ours):.4f} with auto",
    ]
    replicates = paired_bootstrap(labels, models)
    for name in (AUC.name, LOG_LOSS.name):
        values = {model: _metric(name, labels, found) for model, found in models.items()}
        low, high = interval(replicates[ON][name] - replicates[OFF][name]) or (np.nan, np.nan)
        lines.append(
            f"  among the living, {name}: {values[OFF]:.4f} learnt from all, {values[ON]:.4f} with "
            f"auto, difference {values[ON] - values[OFF]:+.4f} [{low:+.4f}, {high:+.4f}]"
        )
    for name, result in ((OFF, off), (ON, on)):
        lines.append(f"  {name}: {_bands(result, models[name], labels)}")
    return "\n".join(lines)


def _bands(result: TrainedHistory, probabilities: Floats, labels: Floats) -> str:
    base_rate = float(result.training.labels.mean())
    critical = probabilities >= DEFAULT_LIFTS[-1] * base_rate
    above = probabilities >= DEFAULT_LIFTS[0] * base_rate
    return (
        f"base rate {base_rate:.4f}, mean probability of the living {probabilities.mean():.4f}, "
        f"observed {labels.mean():.4f}; by lift {critical.mean():.1%} of them critical, "
        f"{above.mean():.1%} above low"
    )


def _metric(name: str, labels: Any, probabilities: Floats) -> float:
    return float(METRICS[name].function(np.asarray(labels, np.float64), probabilities))


def _proposed(history: History) -> str:
    settings = history.settings()
    as_of = settings["as_of"]
    inactivity = settings.get("label_source") == "inactivity"
    with tempfile.TemporaryDirectory(prefix="tens-insight-population-") as name:
        Path(name).chmod(0o711)  # as root the server runs as nobody, who must pass
        server = EmbeddedPostgres(Path(name), durable=False)
        try:
            os.environ["DATABASE_URL"] = server.start()
            with closing(psycopg2.connect(server.url())) as connection:
                history.write(connection)
                connection.cursor().execute("SET TIME ZONE 'UTC'")
                feedback = read_moments(connection, as_of)
                source = ChurnSource("account_churn", "account_id", "churned_at")
                churn = read_churn(connection, source, as_of, feedback.account_ids)
        finally:
            server.stop()
    first = datetime.fromtimestamp(int(feedback.created_us.min()) / 1e6, timezone.utc)
    found = propose_limit(feedback, None if inactivity else churn, first, as_of)
    horizon, lookback = settings.get("horizon_days", 60), settings.get("lookback_days", 180)
    cutoff = settings.get("eval_cutoff") or as_of - timedelta(days=horizon)

    def evaluated(days: int | None) -> tuple[int, int]:
        rules = ExampleRules(lookback, horizon, 500, active_within_days=days)
        taken = take_examples(feedback, None if inactivity else churn, cutoff, rules, as_of)
        assert taken.labels is not None
        return len(taken.account), int(taken.labels.churned.sum())

    return _row(found, evaluated(None), evaluated(found.days))


def _row(found: ActiveLimit, everybody: tuple[int, int], living: tuple[int, int]) -> str:
    def told(accounts: int, churned: int) -> str:
        return f"{accounts:,}, {churned:,} churned, {churned / max(1, accounts):.1%}"

    if found.days is None:
        return f"none: {found.why} | {told(*everybody)} | as before"
    return f"{found.days} days | {told(*everybody)} | {told(*living)}"


if __name__ == "__main__":
    sys.exit(main())
