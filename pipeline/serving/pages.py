"""Pages to look at, as the server knows them: a process beside it builds them.

What draws the pictures holds Python's lock while it draws, so it does that elsewhere: no score
waits for a page. The process is started with the first page that is asked for, builds one at a
time, and ends with the server.
"""

import asyncio
import json
import logging
import os
import sys
from contextlib import suppress
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.pages.frame import problem_page
from pipeline.serving.problems import Problem
from pipeline.settings import variable

PATH: Final = "/pages"
"""Below it are all pages."""
CSV: Final = f"{PATH}/accounts.csv"
"""What takes longer than a page."""
_MODULE: Final = "pipeline.pages"
_PAGE_S: Final = 15.0
"""Seconds for one page, and for the start of the process before the first one."""
DOWNLOAD_S: Final = 120.0
"""Seconds for a download."""
_WAITING: Final = 16
"""Pages that wait for their turn, beyond which the next one is refused."""
_LARGEST: Final = 64 * 1024 * 1024
_PRIVATE: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}
_WHO: Final = 401
_TOKENS: Final = variable("serve_tokens")
"""Who is answered is decided before a page is asked for."""
_log = logging.getLogger(__name__)


class Pages:
    """Asks the process that builds pages, one question at a time.

    Args:
        deadline_s: Seconds for one answer.
        stays: Whether the process stays for the next question.
    """

    def __init__(self, deadline_s: float = _PAGE_S, *, stays: bool = True) -> None:
        self._deadline_s, self._stays = deadline_s, stays
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def begin(self, request: Request) -> Response:
        """Leads to the first page."""
        return RedirectResponse(PATH, 303, _PRIVATE)

    async def page(self, request: Request, given: Any = None) -> Response:
        """Answers with a page, or with one that says why there is none now.

        Args:
            request: For it.
            given: What the server has to say to the page; None for nothing.
        """
        query = request.scope["query_string"].decode("latin-1")
        path = str(request.scope["path"]).rstrip("/")
        try:
            head, content = await self.ask({"path": path, "query": query, "given": given})
        except Problem as problem:
            return page_of(problem)
        return Response(content, head["status"], head["headers"] | _PRIVATE)

    async def ask(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Returns what the process answers: status and headers, and a body.

        Args:
            asked: path, query and given.

        Raises:
            Problem: Too many pages wait, or it takes too long.
        """
        if self._waiting >= _WAITING:
            raise _not_now("Too many pages are asked for at once.")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.wait_for(self._asked(asked), self._deadline_s)
        except asyncio.TimeoutError:
            raise _not_now(f"The page was not built within {self._deadline_s:g} seconds.") from None
        finally:
            self._waiting -= 1

    async def stop(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _asked(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        try:
            process = await self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            await process.stdin.drain()
            head = json.loads(await process.stdout.readuntil(b"\n"))
            content = await process.stdout.readexactly(head["length"])
            if not self._stays:
                await self.stop()
            return head, content
        except (OSError, asyncio.IncompleteReadError) as error:
            _log.warning("The process that builds pages ended: %s.", type(error).__name__)
            await self.stop()
            raise _not_now("The process that builds pages ended.") from None
        except BaseException:  # what it was asked for is not read: the next answer would be that
            await self.stop()
            raise

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", _MODULE),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LARGEST,
                env={name: one for name, one in os.environ.items() if name != _TOKENS},
                start_new_session=True,
            )
        return self._process


def is_page(path: str) -> bool:
    """Tells whether a path is one of people, who get pages and not JSON."""
    return path in ("/", PATH) or path.startswith(f"{PATH}/")


def page_of(problem: Problem) -> Response:
    """Returns a problem as a page."""
    answer = problem_page(problem.status, problem.message)
    headers = answer.headers | _PRIVATE
    if problem.retry_after is not None:
        headers["retry-after"] = str(problem.retry_after)
    if problem.status == _WHO:
        headers["www-authenticate"] = 'Basic realm="Tens-Insight", charset="UTF-8"'
    return Response(answer.content, answer.status, headers)


def _not_now(sentence: str) -> Problem:
    return Problem(503, "no_page", f"{sentence} Try again.", retry_after=2)
