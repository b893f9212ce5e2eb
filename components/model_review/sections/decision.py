"""What the report is about, and the decision on the run."""

import re
from dataclasses import dataclass
from typing import Final

from components.data_checker.checks import STOPPED as CHECK_STOPPED
from components.feedback_example_gen.cutoffs import EVAL
from components.model_gate.decision_file import Decision as GateDecision
from components.model_gate.gate_check import GateCheck
from components.model_review.run_artifacts import RunArtifacts
from components.registry.node_costs import FAILED as NODE_FAILED
from transforms.cold_start_rule import is_rule

BLESSED: Final = "blessed"
NOT_BLESSED: Final = "not blessed"
STOPPED: Final = "stopped by the data gate"
RUN_FAILED: Final = "failed"
"""Of a run in which a component failed before the gate could decide."""
_PART: Final = r"(?:\(default [a-z]+\)|[^\s@:/(]+)"
_ADDRESS: Final = re.compile(rf"{_PART}@(?:\(default host\)|[^\s@:(]+):{_PART}/{_PART}")
_QUOTED: Final = re.compile(r"""(['"]).+?\1""")
"""How our messages name accounts: as Python writes a text."""
_UNTOUCHED: Final = "The previous publication is unchanged."


@dataclass(frozen=True)
class Decision:
    """What became of the run, in a sentence, and what that means.

    Attributes:
        kind: BLESSED, NOT_BLESSED, STOPPED or RUN_FAILED.
        sentence: Why, as the gate says it.
        consequence: What scores the accounts now.
        way_out: Of a refused challenger, what would change the verdict, and whether a person may
            publish with it all the same; empty where it was not refused.
    """

    kind: str
    sentence: str
    consequence: str
    way_out: str = ""


@dataclass(frozen=True)
class Head:
    """What the report is about.

    Attributes:
        run_id: The run's name.
        model_version: Version of the challenger; None where the run trained none.
        champion_version: Of the model that it was compared with; None where there was none.
        as_of: The run's now, ISO 8601 UTC; empty where not even reading came to its end.
        label_source: account_churn or inactivity; empty likewise.
        horizon_days: How far the label looks ahead.
        lookback_days: How far back events count.
        eval_cutoff: Cutoff of the evaluation set, ISO 8601 UTC.
        accounts: Examples in it.
        churned: How many of its accounts churned.
    """

    run_id: str
    model_version: str | None
    champion_version: str | None
    as_of: str
    label_source: str
    horizon_days: int | None
    lookback_days: int | None
    eval_cutoff: str
    accounts: int | None
    churned: int | None


def head_of(run: RunArtifacts) -> Head:
    """Returns what the report is about, as far as the run came."""
    data, former = run.examples, run.former_champion
    planned = data.splits.get(EVAL) if data else None
    found = run.judged.eval if run.judged else {}
    return Head(
        run_id=run.run_id,
        model_version=run.model.model_version if run.model else None,
        champion_version=former.model_version if former else None,
        as_of=data.as_of if data else "",
        label_source=data.label_source if data else "",
        horizon_days=data.horizon_days if data else None,
        lookback_days=data.lookback_days if data else None,
        eval_cutoff=found.get("cutoff") or (planned.cutoffs if planned else ""),
        accounts=found.get("accounts", planned.examples if planned else None),
        churned=found.get("churned", planned.churned if planned else None),
    )


def decision_of(run: RunArtifacts, accounts_shown: bool = True) -> Decision:
    """Returns the decision: the gate's, the data gate's, or which component failed and why.

    Args:
        run: What it left behind.
        accounts_shown: Whether the report may name accounts.
    """
    why = _failed(run, accounts_shown)
    if run.judged is not None:
        kind = BLESSED if run.blessed else NOT_BLESSED
        consequence = f"{_after_the_gate(run)} {why}".strip()
        return Decision(kind, run.judged.summary, consequence, _way_out(run.judged))
    stopped = [check.message for check in run.checks if check.verdict == CHECK_STOPPED]
    if stopped:
        return Decision(STOPPED, "; ".join(stopped), f"No model was trained. {_UNTOUCHED}")
    sentence = why or "A component of the run failed; the log of the run says why."
    consequence = f"The gate could not decide. {_published(run) or _UNTOUCHED}"
    return Decision(RUN_FAILED, sentence, consequence)


def _way_out(gate: GateDecision) -> str:
    if gate.blessed:
        return ""
    evidence = gate.missing_evidence
    change = "More accounts of the same kind would not change the verdict."
    if evidence:
        change = f"What would change the verdict: {evidence.sentence}."
    elif gate.acceptable:
        change = "By how much it is behind a baseline may be chance: the interval holds 0."
    if gate.acceptable:
        return (
            f"{change} It lacks evidence alone, so a person may publish with it: `tens-insight "
            f"models accept {gate.model_version} --reason WHY`; who did is told at the end."
        )
    return f"{change} Nobody may accept it: {gate.unacceptable_because}."


def _failed(run: RunArtifacts, accounts_shown: bool) -> str:
    """Says which components failed, and why; of a database no more than that it is one."""
    said = []
    for cost in run.costs:
        if cost.outcome == NODE_FAILED:
            reason = _ADDRESS.sub("the database", cost.reason or "the log of the run says why")
            reason = reason if accounts_shown else _QUOTED.sub("(hidden)", reason)
            said.append(f"{cost.name} failed: {reason.rstrip('.')}.")
    return " ".join(said)


def checks_of(run: RunArtifacts) -> tuple[GateCheck, ...]:
    """Returns the checks of the gate; none where it was not reached."""
    return run.judged.checks if run.judged else ()


def _after_the_gate(run: RunArtifacts) -> str:
    if run.blessed:
        missed = f"It is champion from now on, but this run published nothing. {_UNTOUCHED}"
        return _published(run) or missed
    if published := _published(run):
        return f"This model scores no account. {published}"
    if run.champion:
        version = run.champion.model_version
        return f"This model scores no account; the champion is still {version}. {_UNTOUCHED}"
    return (
        "This model scores no account, and there is no champion: no account scores "
        "were published."
    )


def _published(run: RunArtifacts) -> str:
    if not run.published:
        return ""
    whose = "this model"
    if run.model is None or run.published.model_version != run.model.model_version:
        whose = f"the champion {run.published.model_version}"
    if is_rule(run.published.model_version):
        whose = f"the cold-start rule {run.published.model_version}, which learnt nothing,"
    return f"{run.published.published_count:,} accounts were scored by {whose} and published."
