"""What each class of SQLSTATE means for a command: Appendix A of Postgres' manual, decided.

Classes stand for their codes; a code that means something else than its class is listed too.
docs/reliability.md shows this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

_CLASS: Final = 2
"""Characters of a code that name its class."""


class Decision(Enum):
    """What is done about an error of the server.

    The value is what docs/reliability.md says of it.
    """

    RETRIED = "tried again, then 5"
    UNAVAILABLE = "5"
    CONTRACT = "7"
    REFUSED = "8"
    BUG = "1"


@dataclass(frozen=True)
class Meaning:
    """What a class or a code means.

    Attributes:
        decision: What is done about it.
        advice: What to do next, a sentence or two; empty where an error of ours is at fault.
    """

    decision: Decision
    advice: str = ""


_BUG: Final = Meaning(Decision.BUG)
_AGAIN: Final = Meaning(
    Decision.RETRIED, "Nothing half-done was kept; run again when the server is up."
)
_RAISED: Final = Meaning(
    Decision.CONTRACT,
    "A function, a trigger or a view of this database raised that, not a table's contract: its "
    "owner must change it.",
)
_DEFINITION: Final = Meaning(
    Decision.CONTRACT,
    "A table or view is not what the contract describes: `tens-insight db check` and "
    "docs/contract.md name what its owner has to change.",
)
_ROWS: Final = Meaning(
    Decision.REFUSED,
    "A constraint, a trigger or a view of the table refuses these rows; nothing was written. "
    "Compare it with docs/contract.md.",
)
_BUSY: Final = Meaning(
    Decision.UNAVAILABLE, "Another session keeps it from that: see pg_stat_activity, run again."
)
_LOGIN: Final = Meaning(Decision.UNAVAILABLE, "Check user, password and database of DATABASE_URL.")
_OPERATOR: Final = Meaning(
    Decision.UNAVAILABLE,
    "Whoever runs the server has to mend that; its log says more. Nothing half-done was kept: run "
    "again then.",
)
_DAMAGED: Final = Meaning(
    Decision.UNAVAILABLE,
    "The server found its own files damaged, and no statement of ours can mend that. Stop the "
    "schedule; let whoever runs it look at its log and its disks (pg_amcheck), rebuild a damaged "
    "index with REINDEX, or restore the database from a backup. Nothing half-done was kept.",
)

SQLSTATES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "00": _BUG,
        "01": _BUG,
        "02": _BUG,
        "03": _BUG,
        "08": _AGAIN,
        "09": _RAISED,
        "0A": _DEFINITION,
        "0B": _BUG,
        "0F": _BUG,
        "0L": _BUG,
        "0P": _BUG,
        "0Z": _BUG,
        "10": _RAISED,
        "20": _RAISED,
        "21": _DEFINITION,
        "22": Meaning(
            Decision.CONTRACT,
            "A value in the table, or what a view makes of it, cannot be used; the message says "
            "which kind. docs/contract.md has the types; its owner must correct value or view.",
        ),
        "23": _ROWS,
        "24": _BUG,
        "25": _BUG,
        "25006": Meaning(Decision.UNAVAILABLE, "Name the primary server."),
        "25P03": _AGAIN,
        "25P04": _AGAIN,
        "26": _BUG,
        "27": _ROWS,
        "28": _LOGIN,
        "2B": _DEFINITION,
        "2D": _BUG,
        "2F": _RAISED,
        "34": _BUG,
        "38": _RAISED,
        "39": _RAISED,
        "3B": _BUG,
        "3D": _LOGIN,
        "3F": _DEFINITION,
        "40": _AGAIN,
        "40002": _ROWS,
        "42": _DEFINITION,
        "42601": _BUG,
        "42P02": _BUG,
        "44": _ROWS,
        "53": Meaning(
            Decision.UNAVAILABLE,
            "The server is out of resources: disk, memory or connections. Give it more, or wait "
            "for others to end; then run again.",
        ),
        "54": Meaning(
            Decision.CONTRACT,
            "A limit of the server: a value is too long for an index, or a view too complex. Its "
            "owner must shorten or simplify it.",
        ),
        "55": Meaning(
            Decision.CONTRACT,
            "The table or view is not in a state to be used, such as a materialized view that was "
            "never filled: its owner must bring it there (REFRESH MATERIALIZED VIEW).",
        ),
        "55006": _BUSY,
        "55P03": _BUSY,
        "57": _OPERATOR,
        "57P01": _AGAIN,
        "57P02": _AGAIN,
        "57P03": _AGAIN,
        "57P04": _AGAIN,
        "57P05": _AGAIN,
        "58": Meaning(
            Decision.UNAVAILABLE,
            "The server could not read or write its own files. Let whoever runs it look at its log "
            "and its disks; nothing half-done was kept, run again when it is mended.",
        ),
        "72": _AGAIN,
        "F0": _OPERATOR,
        "HV": Meaning(
            Decision.CONTRACT,
            "A foreign table's own server failed: its owner must mend it or its options.",
        ),
        "HV001": _OPERATOR,
        "HV00N": _AGAIN,
        "P0": _RAISED,
        "XX": Meaning(
            Decision.UNAVAILABLE,
            "An internal error of the server or of an extension, not of this program. Its log says "
            "more; run again, and if it comes back let whoever runs it look for damage "
            "(pg_amcheck). Nothing half-done was kept.",
        ),
        "XX001": _DAMAGED,
        "XX002": _DAMAGED,
    }
)


def meaning_of(code: str) -> Meaning:
    """Returns what a code means.

    Args:
        code: SQLSTATE, five characters. One of a class that Postgres does not have was raised
            by a function of the database's owner.
    """
    return SQLSTATES.get(code) or SQLSTATES.get(code[:_CLASS]) or _RAISED
