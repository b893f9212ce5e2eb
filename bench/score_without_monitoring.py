"""`tens-insight run score` without what looks back at the publication, for bench/daily_score.py.

python -m bench.score_without_monitoring --adopt
"""

import sys
from typing import Any

from pipeline import cli, scoring
from pipeline.settings import Settings

LEFT_OUT = ("Monitor", "OutcomeRecorder")


def main() -> None:
    """Runs the command."""
    whole = scoring.create_pipeline

    def without(settings: Settings) -> Any:
        definition = whole(settings)
        definition.components = [one for one in definition.components if one.id not in LEFT_OUT]
        return definition

    scoring.create_pipeline = without  # type: ignore[assignment]
    sys.argv[1:] = ["run", "score", *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
