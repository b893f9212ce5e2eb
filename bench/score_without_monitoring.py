"""`tens-insight run score` without what looks back at the publication, for bench/daily_score.py.

python -m bench.score_without_monitoring --adopt
"""

import sys
from collections.abc import Sequence

from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline

from pipeline import cli, nodes
from pipeline.deployment import Deployment
from pipeline.settings import Settings

LEFT_OUT = ("Monitor", "OutcomeRecorder")


def main() -> None:
    """Runs the command."""
    assemble = nodes.assemble

    def without(
        settings: Settings, deployment: Deployment, name: str, components: Sequence[BaseNode]
    ) -> Pipeline:
        kept = [one for one in components if one.id not in LEFT_OUT]
        return assemble(settings, deployment, name, kept)

    nodes.assemble = without
    sys.argv[1:] = ["run", "score", *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
