"""The process that builds the pages of `tens-insight serve`; it ends with its standard input.

It is asked in lines of JSON on its standard input, and answers each on its standard output: a line
of JSON with status, headers and the number of bytes, and then the bytes. What draws the pictures
holds Python's lock while it draws: here no score waits for that.
"""

import json
import logging
import os
import sys
from contextlib import suppress
from typing import IO, Final

from pipeline.pages.frame import Answer
from pipeline.pages.site import Site
from pipeline.settings import load_settings

_NICE: Final = 5
"""Scores come first."""


def main() -> None:
    """Answers until nobody asks any more."""
    with suppress(OSError):  # where the system does not allow it
        os.nice(_NICE)
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING, stream=sys.stderr
    )
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library prints must not come between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(Site(load_settings()), sys.stdin.buffer, answers)


def serve(site: Site, asked: IO[bytes], answers: IO[bytes]) -> None:
    """Answers each line of what is asked.

    Args:
        site: The pages.
        asked: Lines of JSON: path, query, given.
        answers: Where answers are written.
    """
    for line in asked:
        answer = _answer(site, line)
        head = {
            "status": answer.status,
            "headers": answer.headers,
            "length": len(answer.content),
        }
        answers.write(json.dumps(head).encode() + b"\n" + answer.content)
        answers.flush()


def _answer(site: Site, line: bytes) -> Answer:
    try:
        return site.answer(**json.loads(line))
    except Exception as error:  # whatever it is: the next page is shown
        site.close()
        # Its own words may quote a row.
        named = RuntimeError(type(error).__name__).with_traceback(error.__traceback__)
        logging.getLogger(__name__).error("A page ended with an unexpected error.", exc_info=named)
        return site.problem(500, "An error that nobody expected; the server's log names it.")


if __name__ == "__main__":
    main()
