"""What leads to scores where no model may score, and by whose decision one does."""

from components.registry.stages import StageTransition, stages_after
from pipeline.registry.listing import decision_file
from pipeline.registry.registry import Registry


def acceptance_of(registry: Registry, version: str) -> StageTransition | None:
    """Returns the decision by which a model is published that was not blessed; None without one."""
    return stages_after(registry.transitions()).accepted.get(version)


def next_step(registry: Registry) -> str:
    """Says what leads to scores where there is no champion: by the newest model that was judged."""
    blessings = registry.blessings()
    withdrawn = stages_after(registry.transitions()).withdrawn
    newest = max(blessings, default=None)
    if newest is None:
        return "No model was judged yet: `tens-insight run train` trains and judges one."
    blessing = blessings[newest]
    version, decision = blessing.properties.model_version or "", decision_file(blessing)
    if blessing.properties.shadow and version not in withdrawn:
        return (
            f"The newest model {version} was blessed into shadow: `tens-insight models promote "
            f"{version}` lets it score."
        )
    if blessing.properties.blessed or version in withdrawn:
        return (
            f"The newest model {version} is withdrawn: `tens-insight models promote VERSION` takes "
            "one back that was blessed, `tens-insight run train` trains another."
        )
    evidence = decision.missing_evidence if decision else None
    told = f" {evidence.sentence}." if evidence else ""
    if blessing.properties.acceptable:
        return (
            f"The newest model {version} lacks evidence alone.{told} `tens-insight models accept "
            f"{version} --reason WHY` publishes with it."
        )
    if evidence:
        return f"The newest model {version} lacks evidence.{told} Until then nothing is published."
    return (
        f"More accounts of the same kind would not change the verdict on the newest model "
        f"{version}: `tens-insight models show {version}` says which checks failed. Look at the "
        "churn dates and the feedback first (docs/troubleshooting.md); a training run on the same "
        "data comes to the same."
    )
