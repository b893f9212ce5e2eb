"""What a summary says of the risk bands, and of the details that a model could not give."""

from collections.abc import Iterator, Mapping
from typing import Any


def band_facts(published: Mapping[str, Any]) -> Iterator[str]:
    """Yields sentences about the rule of the categories, the rule itself first.

    Args:
        published: Custom properties of the PublishedScores.
    """
    yield published["risk_bands"]
    if (former := published.get("former_risk_bands")) is not None:
        yield (
            f"changed: the last publication's were by {former}; the circuit breaker did not "
            "compare the categories"
        )
    if (trained := published.get("model_risk_bands")) is not None:
        yield f"by the settings; when the model was trained they were by {trained}"
    if ties := published.get("divided_ties"):
        yield f"{ties} accounts of equal probabilities are in two bands, parted by account id"
    if not published.get("has_reasons", 1):
        yield (
            "no reasons in the details: the model was trained before models gave them; "
            "`tens-insight run train` makes one that does"
        )
