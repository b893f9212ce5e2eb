"""`tens-insight policy`: what a scheduled run would do now, and why."""

from dataclasses import asdict
from datetime import datetime

import click

from pipeline.commands.parts import MOMENT, Number, examples
from pipeline.text.terminal import say, say_json

_ACTS = 5


@click.command(
    name="policy", epilog=examples("tens-insight policy", "tens-insight policy --acts 100")
)
@click.option(
    "--as-of", type=MOMENT, help="The moment to decide for, ISO 8601, UTC without a zone."
)
@click.option(
    "--acts", default=_ACTS, show_default=True, type=Number(0), help="How many acts so far to show."
)
@click.option("--json", "as_json", is_flag=True, help="Print it as one line of JSON.")
def command(as_of: datetime | None, acts: int, as_json: bool) -> None:
    """Shows each rule of the policy, its setting, the facts, and what it would do now.

    `tens-insight run auto` does it. Nothing is changed here.
    """
    from pipeline.logs import silence_libraries
    from pipeline.policy.decide import decide
    from pipeline.policy.read_facts import read_facts
    from pipeline.settings import load_settings
    from pipeline.text.policy import act_lines, policy_lines

    silence_libraries()
    settings = load_settings(as_of=as_of)
    facts = read_facts(settings)
    decision = decide(facts, settings.policy)
    done = facts.acts[-acts:] if acts else []
    if as_json:
        say_json(
            decision.as_json()
            | {"facts": asdict(facts) | {"acts": None}}
            | {"done": [one.as_json() for one in done]}
        )
        return
    for line in [*policy_lines(decision), *act_lines(done)]:
        say(line)
