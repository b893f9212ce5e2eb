"""Whether the pipeline's model lies below a reference model by more than chance."""

from collections.abc import Sequence

from bench.score_table import Score

REFERENCES = ("LightGBM", "logistic regression")
HIGHER_IS_BETTER = {"AUC": True, "log-loss": False}


def below(scores: Sequence[Score], reference: str) -> dict[str, bool]:
    """Returns by metric whether the whole paired interval is on the reference model's side.

    Args:
        scores: Of score_models.
        reference: A model among them.

    Raises:
        ValueError: The reference model was not measured.
    """
    gaps = {score.metric: score.gap_interval for score in scores if score.model == reference}
    found = {}
    for metric, higher in HIGHER_IS_BETTER.items():
        limits = gaps.get(metric)
        if limits is None:
            raise ValueError(
                f"{reference} has no paired interval of {metric}: it was not measured."
            )
        found[metric] = limits[1] < 0 if higher else limits[0] > 0
    return found


def verdict_line(scores: Sequence[Score]) -> str:
    """Returns the answer in a line."""
    return "; ".join(
        f"below {one} by the paired interval: {_said(scores, one)}" for one in REFERENCES
    )


def _said(scores: Sequence[Score], reference: str) -> str:
    found = below(scores, reference).items()
    return ", ".join(f"{metric} {'yes' if worse else 'no'}" for metric, worse in found)
