"""`tens-insight forget`: removes all that is kept about one account."""

import click

from pipeline.commands.parts import examples
from pipeline.text.terminal import say, say_json


@click.command(
    name="forget",
    epilog=examples("tens-insight forget ACC-001701", "tens-insight forget ACC-001701 --yes"),
)
@click.argument("account_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one line of JSON.")
def command(account_id: str, yes: bool, as_json: bool) -> int:
    """Removes an account from the published tables, the histories and the state directory.

    Its rows go from the output tables, their histories, details and kept refusals; its records
    from Examples, scores and statistics on disk; its id from reports, logs and ML Metadata. What is
    counted stays counted, without the id; models that learnt from it stay. It cannot be undone.

    The feedback and the churn table belong to others: remove the account there first, or the next
    run reads it again. Backups, the server's log and artifacts in buckets are not reached.
    """
    from pipeline.database import ensure_database
    from pipeline.erasure.erase import erase
    from pipeline.logs import silence_libraries
    from pipeline.settings import load_settings
    from pipeline.state_directory import open_state_dir

    if not account_id:
        raise click.BadParameter("an empty id names no account", param_hint="ACCOUNT_ID")
    if not yes:
        question = f"Remove all that is kept about {account_id!r} for good?"
        click.confirm(question, abort=True, err=True)  # standard output may be read as JSON
    silence_libraries()
    settings = load_settings()
    open_state_dir(settings)
    ensure_database(settings)
    done = erase(settings, account_id)
    if as_json:
        say_json(done.as_json())
    else:
        for line in done.lines():
            say(line)
    return done.exit_code
