"""What scores between runs: a model, or the two that share the accounts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from components.publishing.publication_log import LogEntry
from components.publishing.split import Split
from serving_model.served.risk_bands import RiskBands


@dataclass(frozen=True)
class StreamChampion:
    """The champion.

    Attributes:
        model_version: Its name.
        label_source: What it was taught as churn.
        horizon_days: Of churn_probability.
        horizons: All that it answers for, in days, rising.
        horizons_judged: Those that the gate judged; None if that is not known.
        bands: The rule of the categories, beside its base rate.
        scored: Asks it about serialized examples; returns the columns of scored_shard, in their
            order. What it says of an example must not depend on the others.
        split: How two models share the accounts; None where one scores all.
        second: As `scored`, asks the second model; None without a split.
    """

    model_version: str
    label_source: str
    horizon_days: int
    horizons: tuple[int, ...]
    horizons_judged: tuple[int, ...] | None
    bands: RiskBands
    scored: Callable[[Sequence[bytes]], pa.Table]
    split: Split | None = None
    second: Callable[[Sequence[bytes]], pa.Table] | None = None

    def about(self, accounts: Sequence[str], examples: Sequence[bytes]) -> pa.Table:
        """Asks about accounts, each the model that scores it.

        Args:
            accounts: Their ids, [n].
            examples: Theirs, serialized, [n].

        Returns:
            n rows as `scored` returns them; while two models share the accounts, those of the first
            one before those of the second.
        """
        if self.split is None or self.second is None:
            return self.scored(examples)
        sides: tuple[list[bytes], list[bytes]] = ([], [])
        for account, example in zip(accounts, examples, strict=True):
            sides[self.split.is_second(account)].append(example)
        asked = zip((self.scored, self.second), sides, strict=True)
        tables = [ask(side).replace_schema_metadata(None) for ask, side in asked if side]
        return pa.concat_tables(tables).combine_chunks()

    def is_streamed(self, account: str, base: LogEntry) -> bool:
        """Tells whether an account is scored between two runs.

        Where a split begins, ends or changes, some accounts get another model, and the run that
        gives it to them knows how to compare: until then these are left out.

        Args:
            account: Its id.
            base: The newest full publication.
        """
        then = base.split
        if (self.split.salt if self.split else None) == (then["salt"] if then else None):
            return True
        now = self.split.version(account) if self.split else self.model_version
        return now == (Split.from_recorded(then).version(account) if then else base.model_version)
