"""Which of two models scores an account, where two share the accounts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from components.publishing.holdout import hashed, limit_of


@dataclass(frozen=True)
class Split:
    """Two models that share the accounts, each account always with the same one.

    Attributes:
        number: Of the decision.
        a: Version of the first model.
        b: Version of the second one.
        share: Of the accounts that the second one scores, ]0, 1[.
        salt: Begins what is hashed; no other split and no holdout has it.
    """

    number: int
    a: str
    b: str
    share: float
    salt: str

    def is_second(self, account_id: str) -> bool:
        """Tells whether the second model scores an account."""
        return hashed(self.salt, account_id) < limit_of(self.share)

    def version(self, account_id: str) -> str:
        """Returns which model scores an account."""
        return self.b if self.is_second(account_id) else self.a

    @property
    def described(self) -> str:
        """What stands for the model of a publication, where models are compared."""
        return f"{self.a} and {self.b}, split {self.number}"

    def recorded(self, second: int, rows: int) -> str:
        """Returns what the log of publications says of it, JSON.

        Args:
            second: Accounts that the second model scored.
            rows: All accounts.
        """
        return json.dumps(
            {
                "number": self.number,
                "a": self.a,
                "b": self.b,
                "share": self.share,
                "salt": self.salt,
                "accounts_a": rows - second,
                "accounts_b": second,
            }
        )

    @classmethod
    def from_recorded(cls, found: Mapping[str, Any]) -> "Split":
        """Returns a split that the log of publications has, beside the counts of its accounts."""
        return cls(**{one.name: found[one.name] for one in fields(cls)})


def share_text(share: float) -> str:
    """Returns a share of the accounts in percent, to four digits: 0.125 is 12.5%."""
    return f"{share * 100:.4g}%"
