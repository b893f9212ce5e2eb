"""Do models and runs of the state directory belong to the database that is checked?"""

from collections.abc import Sequence

from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.errors import ContractBroken, TensInsightError
from components.postgres.identity import read_identity
from pipeline.checks.finding import Finding
from pipeline.registry.state_claim import require_state_of
from pipeline.settings import Settings


def state_findings(
    settings: Settings, connection: Connection, found: Sequence[Finding]
) -> list[Finding]:
    """Finds that they belong to another one: then nothing else about it matters.

    Args:
        settings: Say where the state directory is.
        connection: To the database.
        found: What was found before; where tables or rights are missing nothing is asked.
    """
    if any(isinstance(finding.error, ContractBroken) for finding in found):
        return []
    try:
        require_state_of(settings, read_identity(connection))
    except TensInsightError as error:
        return [Finding(error)]
    return []
