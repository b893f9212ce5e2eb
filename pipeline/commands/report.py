"""`tens-insight report`: the evaluation report of a model, or a page about two."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from components.errors import ReportNotFound
from pipeline.commands.parts import examples
from pipeline.text.terminal import say, say_json

if TYPE_CHECKING:
    from pipeline.settings import Settings

_MOVERS: Final = 20
"""Accounts that a page about two models names."""


def say_numbers(path: Path) -> None:
    """Prints the numbers of a report as ASCII: names in it may hold what steers a terminal.

    Raises:
        ReportNotFound: The file holds no JSON.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReportNotFound(
            f"The numbers of the report in {path} are damaged ({error}): restore the file from a "
            "backup, or write a new report with `tens-insight run train`."
        ) from None
    say_json(content)


@click.command(
    name="report",
    epilog=examples(
        "tens-insight report",
        "tens-insight report 20261128-5d --open",
        "tens-insight report --compare 20261121-03 20261128-5d",
    ),
)
@click.argument("version", required=False)
@click.option(
    "--compare",
    nargs=2,
    metavar="A B",
    help="Write a page about two models, judged on one evaluation set.",
)
@click.option("--open", "open_", is_flag=True, help="Open the page in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print the report's numbers as JSON.")
def command(
    version: str | None, compare: tuple[str, str] | None, open_: bool, as_json: bool
) -> None:
    """Names the newest evaluation report, or that of a model VERSION.

    Every training run writes one, also a run that was not blessed or that the data gate
    stopped. The file needs no network and no other file; send it to the reviewer.
    """
    from pipeline.exit_codes import USAGE
    from pipeline.logs import silence_libraries
    from pipeline.registry.registry import Registry
    from pipeline.registry.reports import find_report
    from pipeline.settings import load_settings
    from pipeline.text.plain_text import minute_of, short_path

    silence_libraries()
    settings = load_settings()
    if compare is not None:
        if version or as_json:
            raise click.UsageError("--compare A B takes no VERSION and no --json.")
        page = _compared(settings, *compare)
        say(short_path(str(page)))
    else:
        report = find_report(Registry(settings.metadata_path), version)
        page = report.html
        if as_json:
            say_numbers(report.json)
        else:
            say(short_path(str(page)))
            about = f"model {report.model_version}" if report.model_version else "no model"
            as_of = minute_of(report.as_of) if report.as_of else "unknown"
            say(f"{about}, as of {as_of}: {report.outcome}", err=True)
    if open_ and click.launch(page.as_uri()) != 0:
        say(f"No browser could be started; open {page} in one.", err=True)
        raise click.exceptions.Exit(USAGE)


def _compared(settings: "Settings", a: str, b: str) -> Path:
    from pipeline.logs import import_tensorflow
    from pipeline.state_directory import require_own_files

    require_own_files(settings.state_dir)
    import_tensorflow()
    from components.model_review.page.comparison import render
    from components.state_files import make_private, replace_text
    from pipeline.registry.comparison import compare_models
    from pipeline.registry.registry import Registry

    top = _MOVERS if settings.review.review_accounts else 0
    found = compare_models(Registry(settings.metadata_path), a, b, top)
    page = settings.state_dir / "reports" / f"compare-{found.a}-{found.b}.html"
    make_private(page.parent)
    replace_text(page, render(found))
    return page
