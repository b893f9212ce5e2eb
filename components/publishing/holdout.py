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
        return hashed(self.salt, account_id) < self.limit

    @property
    def limit(self) -> int:
        """Of the first 32 bits of the hash: below it an account is held out."""
        return limit_of(self.share)


def hashed(salt: str, account_id: str) -> int:
    """Returns the first 32 bits of the SHA-256 of a salt and an account, as an integer."""
    # Not md5, which a server may refuse (FIPS), nor a hash of Postgres's own, which no release
    # promises to keep.
    return int(hashlib.sha256(f"{salt}:{account_id}".encode()).hexdigest()[:8], 16)


def limit_of(share: float) -> int:
    """Returns the limit that the hashes of a share of all accounts are below."""
    return round(share * _PLACES)


NOBODY: Final = Holdout(0.0, "")
