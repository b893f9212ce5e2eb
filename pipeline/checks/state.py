"""Do models and runs of the state directory belong to the database, and is the champion whole?"""

from collections.abc import Sequence

from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.errors import ContractBroken, StateUnusable, TensInsightError
from components.postgres.identity import read_identity
from components.registry.artifact_names import saved_model_path
from components.registry.exported_files import require_exported
from pipeline.checks.finding import Finding, Stops
from pipeline.registry.registry import Registry
from pipeline.registry.state_claim import require_state_of
from pipeline.settings import Settings


def state_findings(
    settings: Settings,
    connection: Connection,
    found: Sequence[Finding],
    *,
    need_champion: bool = True,
) -> list[Finding]:
    """Finds that they belong to another one, or that the champion's files are damaged.

    Args:
        settings: Say where the state directory is.
        connection: To the database.
        found: What was found before; where tables or rights are missing nothing is asked.
        need_champion: Whether the champion is compared with or scores.
    """
    if any(isinstance(finding.error, ContractBroken) for finding in found):
        return []
    try:
        require_state_of(settings, read_identity(connection))
    except TensInsightError as error:
        return [Finding(error)]
    return champion_findings(settings) if need_champion else []


def champion_findings(settings: Settings) -> list[Finding]:
    """Finds that the champion's files are gone, or not those that were exported.

    Product areas need no model, and are published all the same.
    """
    found = Registry(settings.metadata_path).champion()
    if found is None or not found.properties.saved_model_sha256:
        return []
    path, name = saved_model_path(found.uri), found.properties.model_version
    try:
        require_exported(path, found.properties, name)
    except StateUnusable as error:
        return [Finding(error, Stops.SCORES)]
    return []
