"""`tens-insight stream`: scores between two runs."""

import click

from pipeline.commands.parts import examples
from pipeline.text.terminal import say, say_json


@click.command(
    name="stream",
    epilog=examples("tens-insight stream", "tens-insight stream --once"),
)
@click.option("--once", is_flag=True, help="Do what is to be done now, and end.")
@click.option(
    "--remove", is_flag=True, help="Drop the replication slot and forget what was read; then end."
)
@click.option("--json", "as_json", is_flag=True, help="Print at the end what was done, as JSON.")
def command(once: bool, remove: bool, as_json: bool) -> int:
    """Scores accounts that wrote, with the champion, and publishes them within seconds.

    A service: it goes on until SIGTERM or Ctrl-C, ends after the step that it is doing, with exit
    code 0, and goes on where it was when it is started again. It stands upon what the newest run
    published; `tens-insight run` goes on as before, at the same time too. docs/streaming.md.

    Exit codes: 0 ended as asked; 3 no champion, or no run has published yet; 5 database
    unreachable; 6 configuration invalid; 7 a table or privilege is missing; 8 the scores of a day
    moved too far (`tens-insight publications` shows them); 9 another stream is at work.
    """
    from dataclasses import asdict

    from pipeline.loading import loading_tfx
    from pipeline.logs import silence_libraries
    from pipeline.settings import load_settings

    settings = load_settings()
    silence_libraries()
    with loading_tfx():
        from pipeline.stream import service

    if remove:
        said = service.remove(settings)
        say_json({"removed": said}) if as_json else say(said)
        return 0
    done = service.stream(settings, once=once, tell=lambda said: say(said))
    say(done.sentence())
    if as_json:
        say_json(asdict(done))
    return 0
