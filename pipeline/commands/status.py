"""`tens-insight status`: is it well?"""

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.parts import examples
from pipeline.text.terminal import say_json

if TYPE_CHECKING:
    from pipeline.settings import Settings


@click.command(
    name="status", epilog=examples("tens-insight status", "tens-insight status --runs 20")
)
@click.option(
    "--runs",
    default=5,
    show_default=True,
    type=click.IntRange(0),
    help="How many of the last runs to show.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
def command(runs: int, as_json: bool) -> None:
    """Shows the last runs, the champion, and how fresh the scores are."""
    from pipeline.settings import load_settings
    from pipeline.state_directory import describe_state_dir

    settings = load_settings()
    state = {
        "state_dir": describe_state_dir(settings),
        **_database(settings),
        **_registry(settings.metadata_path, runs),
    }
    if as_json:
        say_json(state)
    else:
        _show(state)


def _database(settings: "Settings") -> dict[str, Any]:
    from components.postgres.connection import describe
    from components.postgres.failures import explained
    from components.postgres.tables import (
        ACCOUNT_RISK_DETAILS,
        ACCOUNT_RISK_SCORES,
        OUTPUT_TABLES,
    )
    from components.publishing.details import count_details
    from components.publishing.publication_log import read_log
    from components.publishing.published import score_counts, table_state
    from components.publishing.refusals import read_refusals
    from pipeline.database import open_database
    from serving_model.served.risk_bands import CONTRACT_BANDS

    with open_database(settings, "status") as connection:
        counts = score_counts(connection)
        others = {
            table.short: table_state(connection, table)
            for table in OUTPUT_TABLES
            if table is not ACCOUNT_RISK_SCORES
        }
        with explained(connection), connection.cursor() as cursor:
            newest = read_log(cursor, ACCOUNT_RISK_SCORES).newest
            refusals = read_refusals(cursor, ACCOUNT_RISK_SCORES)
            details = count_details(cursor, ACCOUNT_RISK_DETAILS)
        refusal = refusals[-1] if refusals else None
        is_newer = refusal and (newest is None or refusal.refused_at > newest.published_at)
        age = datetime.now(timezone.utc) - counts.predicted_at if counts.predicted_at else None
        return {
            "database": describe(connection),
            "scores": counts.rows,
            "categories": counts.categories,
            "risk_bands": (newest.bands if newest else CONTRACT_BANDS).describe(),
            "details": details,
            "scores_as_of": counts.predicted_at,
            "scores_age_hours": round(age.total_seconds() / 3600, 1) if age else None,
            "scores_model_version": counts.model_version,
            **{name: state.rows for name, state in others.items()},
            **{f"{name}_as_of": state.as_of for name, state in others.items()},
            "publication_id": newest.publication_id if newest else None,
            "published_at": newest.published_at if newest else None,
            "refused_since": f"r{refusal.refusal_id}" if refusal and is_newer else None,
        }


def _registry(path: Any, limit: int) -> dict[str, Any]:
    from pipeline.registry.registry import Registry

    registry = Registry(path)
    champion = registry.champion()
    return {
        "champion": champion.properties.as_json() if champion else None,
        "champion_uri": champion.uri if champion else None,
        "runs": [
            {
                "pipeline": run.pipeline,
                "started_at": run.started_at,
                "seconds": round((run.ended_at - run.started_at).total_seconds(), 1),
                "state": run.state,
                "failed_node": run.failed_node,
            }
            for run in registry.runs()[:limit]
        ],
        "runs_asked": limit,
    }


def _moment(moment: datetime | None) -> str:
    from pipeline.text.plain_text import NONE, minute

    return NONE if moment is None else minute(moment)


def _publication(state: dict[str, Any]) -> str:
    from pipeline.text.plain_text import minute

    said = "-"
    if state["publication_id"] is not None:
        said = f"{minute(state['published_at'])}, publication {state['publication_id']}"
    if state["refused_since"] is not None:
        said += f"; refused since: {state['refused_since']} (see `tens-insight publications`)"
    return said


def _details(state: dict[str, Any]) -> str:
    missing = state["scores"] - state["details"]
    said = f"of {state['details']} accounts"
    return f"{said}; {missing} scores without, until the next run" if missing else said


def _show(state: dict[str, Any]) -> None:
    from components.postgres.tables import ACCOUNT_RISK_SCORES, OUTPUT_TABLES
    from pipeline.text.plain_text import minute, minute_of, table_lines
    from pipeline.text.summary import print_facts
    from pipeline.text.terminal import console

    champion = state["champion"]
    counts = ", ".join(f"{count} {name}" for name, count in state["categories"].items())
    rows = [
        ("database", state["database"]),
        ("state", state["state_dir"]),
        ("scores", f"{state['scores']} ({counts})"),
        ("bands", state["risk_bands"]),
        ("details", _details(state)),
        (
            "as of",
            f"{minute(state['scores_as_of'])} ({state['scores_age_hours']} hours ago)"
            if state["scores"]
            else "nothing was published yet",
        ),
        ("published", _publication(state)),
        *(
            (
                table.short,
                f"{state[table.short]} {table.unit} as of {_moment(state[f'{table.short}_as_of'])}",
            )
            for table in OUTPUT_TABLES
            if table is not ACCOUNT_RISK_SCORES
        ),
        (
            "champion",
            f"{champion['model_version']}, label {champion['label_source']}, "
            f"trained as of {minute_of(champion['as_of'])}"
            if champion
            else "none: no model was ever blessed",
        ),
    ]
    out = console()
    print_facts(rows, out)
    out.print()
    runs = [
        (
            minute(run["started_at"]),
            run["pipeline"],
            f"{run['seconds']:.1f} s",
            run["state"] + (f" at {run['failed_node']}" if run["failed_node"] else ""),
        )
        for run in state["runs"]
    ]
    for line in table_lines(runs, right=(2,), indent="  "):
        out.print(line)
    if not state["runs"] and state["runs_asked"]:
        out.print("  no runs yet")
