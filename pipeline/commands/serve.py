"""`tens-insight serve`: scores on request."""

import click

from pipeline.commands.parts import examples
from pipeline.text.terminal import say


@click.command(
    name="serve",
    epilog=examples(
        "tens-insight serve",
        "tens-insight serve --port 8080",
    ),
)
@click.option("--host", help="Address to listen on, in place of the setting.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Port to listen on, in place of the setting; 0 takes a free one.",
)
def command(host: str | None, port: int | None) -> int:
    """Answers requests for scores over HTTP, by the champion, until it is told to end.

    GET /v1/accounts/ID/score reads what the database has of an account now; POST /v1/score scores
    events that come with the request. Another champion is loaded while the former one answers.
    docs/serving.md tells all of it.
    """
    from pipeline.logs import silence_libraries
    from pipeline.settings import load_settings

    settings = load_settings(serve_host=host, serve_port=port)
    silence_libraries()
    from pipeline.loading import loading_tfx

    with loading_tfx():
        from pipeline.serving.server import serve

    serve(settings, lambda line: say(line, err=True))
    return 0
