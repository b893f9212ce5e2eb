"""Which accounts a team leaves alone, so that what it does for the others can be measured."""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

_PLACES: Final = 2**32


@dataclass(frozen=True)
class Holdout:
    """A share of the accounts, chosen by a hash of their ids: always the same ones.

    Attributes:
        share: Of the accounts, [0, 1].
        salt: Begins what is hashed; another one chooses other accounts.
    """

    share: float
    salt: str

    @property
    def recorded(self) -> str | None:
        """As the log of publications has it, JSON; None where nobody is held out."""
        return json.dumps({"share": self.share, "salt": self.salt}) if self.share else None

    def holds(self, account_id: str) -> bool:
        """Tells whether an account is held out."""
        # Not md5, which a server may refuse (FIPS), nor a hash of Postgres's own, which no release
        # promises to keep.
        hashed = hashlib.sha256(f"{self.salt}:{account_id}".encode())
        return int(hashed.hexdigest()[:8], 16) < self.limit

    @property
    def limit(self) -> int:
        """Of the first 32 bits of the hash: below it an account is held out."""
        return round(self.share * _PLACES)


NOBODY: Final = Holdout(0.0, "")
