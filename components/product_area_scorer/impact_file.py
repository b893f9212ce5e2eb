"""area_impacts.json: what each score of the product areas is made of, as it is written and read.

It loads no TFX, which a server that shows it can do without.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from components.feedback_example_gen.reading.area_counts import AreaWindow
from transforms.product_area_impact import AreaImpact, PairCounts, Weights

FILE: Final = "area_impacts.json"


@dataclass(frozen=True)
class ExplainedAreas:
    """The scores of one run, and all that they were computed from.

    Attributes:
        as_of: End of the window, UTC.
        window: What of the feedback was counted.
        weights: Of the rule.
        enterprise_segments: Segments that counted as enterprise.
        impacts: Highest score first.
    """

    as_of: datetime
    window: AreaWindow
    weights: Weights
    enterprise_segments: tuple[str, ...]
    impacts: tuple[AreaImpact, ...]

    @property
    def pairs(self) -> Sequence[PairCounts]:
        """The counts, for the rule."""
        return [one.counts for one in self.impacts]


def impacts_as_json(found: ExplainedAreas) -> str:
    """Returns them as JSON."""
    content = {
        "as_of": found.as_of.isoformat(),
        "window": asdict(found.window),
        "weights": found.weights.as_dict(),
        "enterprise_segments": found.enterprise_segments,
        "impacts": [asdict(impact) for impact in found.impacts],
    }
    return json.dumps(content, indent=1)


def impacts_from_json(text: str) -> ExplainedAreas:
    """Reads what impacts_as_json returned.

    Raises:
        ValueError: It is none of ours.
    """
    try:
        content = json.loads(text)
        return ExplainedAreas(
            as_of=datetime.fromisoformat(content["as_of"]),
            window=AreaWindow(**content["window"]),
            weights=Weights.from_mapping(content["weights"]),
            enterprise_segments=tuple(content["enterprise_segments"]),
            impacts=tuple(map(_impact, content["impacts"])),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{FILE} lacks something: {error}") from None


def _impact(content: dict[str, object]) -> AreaImpact:
    return AreaImpact(**{**content, "counts": PairCounts(**content["counts"])})  # type: ignore[arg-type]
