"""Accounts that left with a low score: noted once their window is over, for the next model."""

from collections.abc import Iterable

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.outcome_recorder.performance_rows import Judged
from components.postgres.queries import queries
from components.postgres.rows import value

_QUERIES = queries(__package__)

_PARTS = """part.customer_tier, part.region, part.silence_state,
             (SELECT jsonb_object_agg(reason.name, reason.log_odds)
              FROM unnest(layout.groups, part.log_odds) AS reason (name, log_odds)) AS reasons"""
_FROM_PARTS = """LEFT JOIN tens_insight.account_contributions AS part
          USING (publication_id, account_id)
      LEFT JOIN tens_insight.contribution_layouts AS layout USING (publication_id)"""
_NO_PARTS = (
    "NULL::text AS customer_tier, NULL::text AS region, NULL::text AS silence_state, "
    "NULL::jsonb AS reasons"
)


def note_missed(
    cursor: Cursor, judged: Iterable[Judged], corrected: Iterable[int], critical_priority: int
) -> int:
    """Notes who left with the band low in windows of the main horizon.

    Args:
        cursor: Of the transaction that measured the windows.
        judged: Windows whose performance was measured.
        corrected: Publications with outcomes that changed.
        critical_priority: Lowest priority that is critical.

    Returns:
        How many accounts were noted.
    """
    cursor.execute(_QUERIES["drop_missed"], {"publications": list(corrected)})
    cursor.execute("SELECT to_regclass('tens_insight.contribution_layouts') IS NOT NULL")
    kept = value(cursor)
    statement = sql.SQL(_QUERIES["note_missed"]).format(
        parts=sql.SQL(_PARTS if kept else _NO_PARTS),
        from_parts=sql.SQL(_FROM_PARTS if kept else ""),
    )
    noted = 0
    for one in judged:
        if one.is_main:
            cursor.execute(statement, {**vars(one), "critical_priority": critical_priority})
            noted += cursor.rowcount
    return noted
