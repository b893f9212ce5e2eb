"""`tens-insight simulate`: a world whose best possible score is known."""

import click

from pipeline.commands.parts import Number, examples
from pipeline.text.terminal import say, say_json

# As in pipeline/demo/world_model.py and simulate.py, which import numpy; a test compares them.
SCENARIOS = ("base", "strong", "null", "harsh", "regime")
SHAPES = ("plain", "goinsight")


@click.command(
    name="simulate",
    epilog=examples(
        "tens-insight simulate --accounts 500 --days 420 --seed 7",
        "tens-insight simulate --shape goinsight --replace",
    ),
)
@click.option("--accounts", default=3_000, show_default=True, type=Number(1, 10_000_000))
@click.option("--days", default=540, show_default=True, type=Number(7, 36_500))
@click.option("--seed", default=1, show_default=True, type=Number(0))
@click.option("--scenario", default="strong", show_default=True, type=click.Choice(SCENARIOS))
@click.option(
    "--shape",
    default="plain",
    show_default=True,
    type=click.Choice(SHAPES),
    help="goinsight: with what real deployments have, such as odd ids and repeated rows.",
)
@click.option("--replace", is_flag=True, help="Delete an earlier simulated world first.")
@click.option(
    "--delete-foreign", is_flag=True, help="Delete feedback that no simulation wrote, too."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    accounts: int,
    days: int,
    seed: int,
    scenario: str,
    shape: str,
    replace: bool,
    delete_foreign: bool,
    as_json: bool,
) -> None:
    """Writes feedback_enriched and account_churn of a simulated world.

    Refuses a database that holds feedback which it did not write, unless told.
    """
    from dataclasses import asdict

    from components.postgres.connection import describe
    from pipeline.database import open_database
    from pipeline.demo.simulate import simulate
    from pipeline.runs.progress import Progress
    from pipeline.settings import load_settings

    progress = Progress()
    with (
        open_database(load_settings(), "simulate") as connection,
        progress.step("Simulating feedback"),
    ):
        world = simulate(
            connection,
            accounts=accounts,
            days=days,
            seed=seed,
            scenario=scenario,
            shape=shape,
            replace=replace,
            delete_foreign=delete_foreign,
            progress=lambda done, total: progress.update(f"{done} of {total} accounts"),
        )
        where = describe(connection)
    if as_json:
        say_json({"database": where, **asdict(world), "exit": 0})
        return
    say(
        f"Wrote {world.rows} rows of feedback of {world.accounts} accounts, {world.churned} of "
        f"which churned, from {world.started_at:%Y-%m-%d} to {world.ended_at:%Y-%m-%d}, to {where}."
    )
