"""The planner knows of the newest publication, whenever the history was analysed before."""

from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.undo import undo
from tests.components.contributions.scored import Scored, ask, publish_day

KNOWN = (
    "SELECT most_common_vals::text::bigint[] FROM pg_stats "
    "WHERE tablename = 'account_risk_score_history' AND attname = 'publication_id'"
)


def test_each_publication_is_among_the_commonest_values(migrated_database: str) -> None:
    given = {f"ACC-{number}": Scored(probability=0.25) for number in range(9)}
    numbers = []
    for day in range(3):
        numbers.append(publish_day(day, given))
        ((known,),) = ask(migrated_database, KNOWN)
        assert sorted(known) == numbers
    undo(ACCOUNT_RISK_SCORES, reason="a test")
    numbers.append(publish_day(4, given))
    assert numbers[-1] in ask(migrated_database, KNOWN)[0][0]
