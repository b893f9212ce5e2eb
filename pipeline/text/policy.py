"""Prints what the policy would do, what it did, and what cleaning up removes."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from components.registry.policy_acts import PolicyActProperties
from pipeline.policy.clean import Plan
from pipeline.policy.decide import Act, Decision, Rule
from pipeline.text.plain_text import minute, minute_of, table_lines, terminal_width
from pipeline.text.terminal import escape_controls

_WIDEST: Final = 80
_MB: Final = 1_000_000


def policy_lines(decision: Decision) -> Iterator[str]:
    """Yields each rule, the facts, and what would be done."""
    yield f"The policy, as of {minute(decision.now)}"
    for rule in decision.rules:
        yield from _rule_lines(rule)
    yield ""
    yield from decision_lines(decision, "`tens-insight run auto` would now")


def decision_lines(decision: Decision, begin: str) -> Iterator[str]:
    """Yields what is done, an act a paragraph."""
    for act in decision.acts:
        yield from _wrapped(f"{begin} {_told(act)}: ", act.reason, "  ")


def _told(act: Act) -> str:
    return f"{act.kind} {act.version}".strip()


def _rule_lines(rule: Rule) -> Iterator[str]:
    yield ""
    yield from _wrapped(f"{rule.name}  ", rule.setting, " " * 9)
    yield from _wrapped("  now    ", rule.now, " " * 9)
    yield from _wrapped("  would  ", rule.would, " " * 9)


def act_lines(acts: Sequence[PolicyActProperties]) -> Iterator[str]:
    """Yields what the policy did, newest last."""
    if not acts:
        return
    yield ""
    yield "What it did by itself, the newest last"
    for act in acts:
        head = f"  {minute_of(act.as_of)}  {act.kind} {act.model_version}".rstrip()
        yield from _wrapped(f"{head}: ", act.reason, " " * 4)
        if act.undo:
            yield f"    to take it back: {act.undo}"


def _wrapped(begin: str, text: str, indent: str) -> Iterator[str]:
    width = min(_WIDEST, terminal_width())
    shown = f"{begin}{escape_controls(text)}"
    yield from textwrap.wrap(
        shown,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


def plan_lines(plan: Plan, *, dry_run: bool) -> Iterator[str]:
    """Yields what goes, or went, and what stays and why."""
    if not plan.removals:
        yield "Nothing to remove."
    else:
        yield f"{'Would remove' if dry_run else 'Removed'} {plan.size / _MB:.1f} MB"
        rows = [
            (str(count), what, f"{size / _MB:.1f} MB")
            for what, (count, size) in plan.by_kind().items()
        ]
        yield from table_lines(rows, right=(0, 2), indent="  ")
    for version in plan.withdrawals:
        yield f"{'Would withdraw' if dry_run else 'Withdrew'} {version}: its files go."
    reasons = Counter(plan.kept_runs.values())
    for reason, count in sorted(reasons.items()):
        yield f"Kept {count} {'run' if count == 1 else 'runs'}: {reason}"
