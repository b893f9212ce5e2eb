"""`tens-insight models`: the registry, and what people decide about its models."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from pipeline.commands.parts import Group, Number, examples
from pipeline.text.terminal import say, say_json

if TYPE_CHECKING:
    from pipeline.registry.registry import Registry
    from pipeline.settings import Settings


@click.group(
    name="models",
    cls=Group,
    epilog=examples("tens-insight models list", "tens-insight models show --help"),
)
def command() -> None:
    """Lists, compares, promotes, accepts, withdraws and pins models.

    The champion scores. It is the pinned model, else the first of a split, else the newest
    by the moment it was blessed, accepted or promoted; a model that is withdrawn, or neither
    blessed nor accepted, never is. What is decided here is recorded with time, user and reason,
    and never overwritten.
    """
    from pipeline.logs import silence_libraries

    silence_libraries()


_json = click.option("--json", "as_json", is_flag=True, help="Print it as one line of JSON.")
_reason = click.option("--reason", default="", help="Why; it is recorded.")


@command.command(name="list", epilog=examples("tens-insight models list"))
@_json
def list_(as_json: bool) -> None:
    """Shows every model: quality, gate, stage, rows published with it."""
    from pipeline.registry.listing import ask_publications, list_models
    from pipeline.registry.metadata_store import describe_store
    from pipeline.registry.state_claim import note_of_other_database
    from pipeline.state_directory import describe_state_dir
    from pipeline.text.model_facts import rule_lines
    from pipeline.text.models import model_lines

    settings, registry = _open()
    published, note = ask_publications(settings)
    note = note or note_of_other_database(settings, registry.store)
    rows = list_models(registry, published)
    if as_json:
        store = describe_store(settings.metadata_path)
        content = {"metadata": store, "state_dir": settings.state_dir}
        say_json({**content, "models": [vars(row) for row in rows], "note": note})
    else:
        _print(model_lines(rows, describe_state_dir(settings)))
        _print(rule_lines(published))
        _note(note)


@command.command(
    epilog=examples(
        "tens-insight models show 20261128-5d7faa05", "tens-insight models show 20261128-5d"
    )
)
@click.argument("version")
@_json
def show(version: str, as_json: bool) -> None:
    """Shows where a model comes from, what the gate said, and whether its files are whole."""
    from pipeline.registry.lineage import show_model
    from pipeline.registry.listing import ask_publications
    from pipeline.runs.record import RunRecords
    from pipeline.text.models import detail_lines

    settings, registry = _open()
    published, note = ask_publications(settings)
    details = show_model(registry, version, published, RunRecords(settings.runs_dir))
    if as_json:
        say_json({**details.as_json(), "note": note})
    else:
        _print(detail_lines(details))
        _note(note)


@command.command(epilog=examples("tens-insight models compare 20261121-03 20261128-5d --top 5"))
@click.argument("a", metavar="VERSION_A")
@click.argument("b", metavar="VERSION_B")
@click.option("--top", default=10, show_default=True, type=Number(0), help="Accounts.")
@_json
def compare(a: str, b: str, top: int, as_json: bool) -> None:
    """Judges two models on known outcomes or on one evaluation set, and shows what differs.

    Outcomes are those of accounts that both scored, one of them in shadow. Where they are not
    enough, both score the evaluation set of the model whose evaluation cutoff is newer. Intervals
    are of the difference b - a, from the same resampled accounts for both.
    """
    from functools import partial

    from pipeline.logs import import_tensorflow

    import_tensorflow()
    from pipeline.registry.comparison import compare_models
    from pipeline.registry.matured import ask_matured
    from pipeline.text.models import comparison_lines

    settings, registry = _open()
    found = compare_models(registry, a, b, top, partial(ask_matured, settings))
    if as_json:
        say_json(found.as_json())
    else:
        _print(comparison_lines(found))


@command.command(
    epilog=examples(
        "tens-insight models shadow",
        'tens-insight models shadow --pin 20261128-5d --reason "Is it better in EU?"',
        "tens-insight models shadow --end",
    )
)
@click.option("--pin", "version", metavar="VERSION", default="", help="Put this model in shadow.")
@click.option("--end", is_flag=True, help="End what --pin began.")
@_reason
@_json
def shadow(version: str, end: bool, reason: str, as_json: bool) -> None:
    """Lists the models that score beside the champion, or puts one there.

    A model in shadow scores in every run, and is never published, so it need not be blessed. The
    former champion is there by itself.
    """
    from pipeline.registry.shadows import list_shadows
    from pipeline.text.shadows import shadow_lines

    if version and end:
        raise click.UsageError("Say either --pin or --end.")
    if reason and not (version or end):
        raise click.UsageError("A --reason goes with --pin or --end.")
    if version or end:
        _decide("shadow" if version else "end shadow", version, reason, as_json)
        if as_json:
            return
    settings, registry = _open()
    found = list_shadows(registry, settings)
    if as_json:
        content = {"models": [row.as_json() for row in found.rows], "most": found.most}
        say_json({**content, "note": found.note})
    else:
        _print(shadow_lines(found))
        _note(found.note)


@command.command(
    epilog=examples(
        "tens-insight models split",
        "tens-insight models split 20261121-03 20261128-5d --share 0.5",
        "tens-insight models split --result",
        'tens-insight models split --end --reason "It is decided."',
    )
)
@click.argument("a", metavar="[VERSION_A]", default="")
@click.argument("b", metavar="[VERSION_B]", default="")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Of the accounts that the second model scores, above 0 and below 1.",
)
@click.option("--end", is_flag=True, help="End the split: the champion scores all accounts.")
@click.option("--result", is_flag=True, help="What came of the newest split.")
@_reason
@_json
def split(
    a: str, b: str, share: float | None, end: bool, result: bool, reason: str, as_json: bool
) -> None:
    """Lets two blessed models share the accounts, and reads what came of it.

    A hash of the account's id decides which model scores it, always the same one as long as the
    split lasts. Without versions the split that lasts is shown.
    """
    from pipeline.registry.splits import read_splits
    from pipeline.text.splits import result_lines, split_lines

    begins = bool(a or b or share is not None)
    if begins + end + result > 1:
        raise click.UsageError("Say two versions and a --share, or --end, or --result.")
    if begins and not (a and b and share is not None):
        raise click.UsageError("A split takes two versions, and --share of the second one.")
    if reason and not (begins or end):
        raise click.UsageError("A --reason goes with the begin of a split, or with --end.")
    if begins or end:
        _decide("split" if begins else "end split", a, reason, as_json, other=b, share=share or 0)
        return
    settings, registry = _open()
    found = read_splits(registry, settings)
    if as_json:
        say_json(found.as_json())
    else:
        _print(result_lines(found) if result else split_lines(found))


@command.command(
    epilog=examples('tens-insight models promote 20261128-5d --reason "Agreed with CS."')
)
@click.argument("version")
@_reason
@_json
def promote(version: str, reason: str, as_json: bool) -> None:
    """Makes a blessed or accepted model champion until a newer one is; lifts a withdrawal."""
    _decide("promote", version, reason, as_json)


@command.command(
    epilog=examples('tens-insight models withdraw 20261128-5d --reason "Worse in EU."')
)
@click.argument("version")
@click.option("--reason", required=True, help="Why; it is recorded.")
@_json
def withdraw(version: str, reason: str, as_json: bool) -> None:
    """Takes a model out of use; if it was champion, the previous one is at once."""
    if not reason.strip():
        raise click.BadParameter("a withdrawal needs a reason in words.", param_hint="--reason")
    _decide("withdraw", version, reason, as_json)


@command.command(
    epilog=examples('tens-insight models pin 20261128-5d --reason "Audit until June."')
)
@click.argument("version")
@_reason
@_json
def pin(version: str, reason: str, as_json: bool) -> None:
    """Makes a blessed or accepted model champion until it is unpinned, whatever else is."""
    _decide("pin", version, reason, as_json)


@command.command(
    epilog=examples('tens-insight models accept 20261128-5d --reason "Enough to begin with."')
)
@click.argument("version")
@click.option("--reason", required=True, help="Why; it is recorded.")
@_json
def accept(version: str, reason: str, as_json: bool) -> None:
    """Publishes with a model that the gate refused for lack of evidence alone.

    Its gain over the constant is then not proven, or it is behind a baseline by what may be chance.
    A model that is behind the champion, or behind a baseline beyond chance, whose ranking may be
    chance, or whose probabilities are off cannot be accepted. An accepted one is champion until a
    newer model is blessed, and is copied to where TensorFlow Serving reads.
    """
    from dataclasses import asdict

    from pipeline.logs import import_tensorflow

    if not reason.strip():
        raise click.BadParameter("an acceptance needs a reason in words.", param_hint="--reason")
    import_tensorflow()
    from pipeline.registry.accepting import accept as accept_model
    from pipeline.text.models import outcome_lines

    settings, registry = _open_to_write()
    found = accept_model(registry, version, reason, settings)
    if as_json:
        say_json({**asdict(found.outcome), "pushed_to": found.pushed_to, "said": found.said})
    else:
        _print([*outcome_lines(found.outcome), *found.said])


@command.command(epilog=examples('tens-insight models unpin --reason "The audit is over."'))
@_reason
@_json
def unpin(reason: str, as_json: bool) -> None:
    """Ends a pin: the champion is again the newest blessed, accepted or promoted model."""
    _decide("unpin", "", reason, as_json)


@command.command(
    epilog=examples(
        'tens-insight models review 20261128-5d --approve --by "Ann Lee"',
        'tens-insight models review 20261128-5d --reject --by Ann --note "Worse."',
    )
)
@click.argument("version")
@click.option(
    "--approve", is_flag=True, help="The model may score; it must be blessed or accepted."
)
@click.option("--reject", is_flag=True, help="It should not; needs a --note.")
@click.option("--by", required=True, help="Name of the reviewer.")
@click.option("--note", default="", help="Why; it is recorded.")
@_json
def review(version: str, approve: bool, reject: bool, by: str, note: str, as_json: bool) -> None:
    """Signs the evaluation report of a model, as approved or as rejected.

    The signature is kept with the model and written into the report's page. It changes no
    stage: `models withdraw` takes a model out of use.
    """
    from dataclasses import asdict

    from pipeline.logs import import_tensorflow

    import_tensorflow()
    from pipeline.registry.change_stage import decide
    from pipeline.registry.signing import write_signatures
    from pipeline.text.models import outcome_lines

    if approve == reject:
        raise click.UsageError("Say either --approve or --reject.")
    name, words = " ".join(by.split()), " ".join(note.split())
    if not name:
        raise click.BadParameter("a signature needs a name.", param_hint="--by")
    if reject and not words:
        raise click.BadParameter("a rejection needs a reason in words.", param_hint="--note")
    settings, registry = _open_to_write()
    outcome = decide(registry, "approve" if approve else "reject", version, words, name=name)
    written = list(write_signatures(registry, outcome.transition.version, settings))
    if as_json:
        say_json({**asdict(outcome), "written": written})
    else:
        _print([*outcome_lines(outcome), *written])


def _decide(
    kind: str,
    version: str,
    reason: str,
    as_json: bool,
    *,
    other: str = "",
    share: float = 0.0,
) -> None:
    from dataclasses import asdict

    from pipeline.registry.change_stage import decide
    from pipeline.text.models import outcome_lines

    _, registry = _open_to_write()
    outcome = decide(registry, kind, version, reason, other=other, share=share)
    if as_json:
        say_json(asdict(outcome))
    else:
        _print(outcome_lines(outcome))


def _open_to_write() -> "tuple[Settings, Registry]":
    """Opens the registry for a decision; another user, who would leave files behind, is refused."""
    from components.postgres.connection import metadata_address
    from pipeline.settings import load_settings
    from pipeline.state_directory import require_own_files

    if metadata_address() is None:
        require_own_files(load_settings().state_dir)
    return _open()


def _open() -> "tuple[Settings, Registry]":
    from pipeline.registry.registry import Registry
    from pipeline.settings import load_settings

    settings = load_settings()
    return settings, Registry(settings.metadata_path)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


def _note(text: str) -> None:
    if text:
        say(text, err=True)
