"""What was published with each model, as far as the database can be asked."""

from components.errors import TensInsightError
from components.publishing.published import PublishedWith, published_models
from pipeline.database import open_database
from pipeline.settings import Settings


def ask_publications(settings: Settings) -> tuple[dict[str, PublishedWith] | None, str]:
    """Asks the log of publications; the registry works without it.

    Args:
        settings: Says where an embedded database would be.

    Returns:
        What was published by model version, and an empty text; or None, and why.
    """
    try:
        with open_database(settings, "models", statement_timeout_s=30) as connection:
            return published_models(connection), ""
    except TensInsightError as error:
        return None, f"Rows published are not known: {error}"
