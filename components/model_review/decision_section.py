"""What the report is about, and what became of the run."""

from dataclasses import asdict

from components.data_checker.checks import STOPPED as CHECK_STOPPED
from components.feedback_example_gen.cutoffs import EVAL
from components.feedback_example_gen.properties import AS_OF, LABEL_SOURCE
from components.model_gate.gate_check import GateCheck
from components.model_review.review import (
    BLESSED,
    FAILED,
    NOT_BLESSED,
    STOPPED,
    Check,
    Decision,
    Head,
)
from components.model_review.run_artifacts import RunArtifacts
from components.registry.node_costs import FAILED as NODE_FAILED

_UNTOUCHED = "What was published before stands as it is."


def head_of(run: RunArtifacts) -> Head:
    """Returns what the report is about, as far as the run came."""
    data, judged = run.examples, run.judged or {}
    evaluated = judged.get("eval", {})
    return Head(
        run_id=run.run_id,
        model_version=run.model.get("model_version"),
        champion_version=run.former_champion.get("model_version"),
        as_of=data.get(AS_OF, ""),
        label_source=data.get(LABEL_SOURCE, ""),
        horizon_days=data.get("horizon_days"),
        lookback_days=data.get("lookback_days"),
        eval_cutoff=evaluated.get("cutoff") or data.get(f"{EVAL}_cutoffs", ""),
        accounts=evaluated.get("accounts", data.get(f"{EVAL}_snapshots")),
        churned=evaluated.get("churned", data.get(f"{EVAL}_churned")),
    )


def decision_of(run: RunArtifacts) -> Decision:
    """Returns the decision: the gate's, the data gate's, or which component failed."""
    if run.judged is not None:
        kind = BLESSED if run.blessed else NOT_BLESSED
        return Decision(kind, str(run.judged["summary"]), _after_the_gate(run))
    stopped = [check.message for check in run.checks if check.verdict == CHECK_STOPPED]
    if stopped:
        return Decision(STOPPED, "; ".join(stopped), f"Nothing was learnt. {_UNTOUCHED}")
    failed = [cost.name for cost in run.costs if cost.outcome == NODE_FAILED]
    named = ", ".join(failed) or "A component of the run"
    sentence = f"{named} failed before the gate could decide; the log of the run says why"
    return Decision(FAILED, sentence, _published(run) or _UNTOUCHED)


def checks_of(run: RunArtifacts) -> tuple[Check, ...]:
    """Returns the checks of the gate; none where it was not reached."""
    found = (run.judged or {}).get("checks", [])
    return tuple(Check(**asdict(GateCheck.from_mapping(one))) for one in found)


def _after_the_gate(run: RunArtifacts) -> str:
    if run.blessed:
        missed = f"It is champion from now on, but this run published nothing. {_UNTOUCHED}"
        return _published(run) or missed
    if published := _published(run):
        return f"This model scores nobody. {published}"
    if run.champion:
        version = run.champion.get("model_version")
        return f"This model scores nobody; the champion is still {version}. {_UNTOUCHED}"
    return (
        "This model scores nobody, and there is no champion that could: no account scores "
        "were published."
    )


def _published(run: RunArtifacts) -> str:
    if not run.published:
        return ""
    whose = "this model"
    if run.published["model_version"] != run.model.get("model_version"):
        whose = f"the champion {run.published['model_version']}"
    return f"{run.published['published_count']:,} accounts were scored by {whose} and published."
