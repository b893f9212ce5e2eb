"""Starts the server, follows the champion while it runs, and ends it in order."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

import uvicorn

from components.errors import DatabaseUnreachable
from components.postgres.address import read_address
from components.postgres.identity import DatabaseIdentity
from pipeline.database import ensure_database
from pipeline.registry.state_claim import require_state_of
from pipeline.serving.accounts import AccountQuestion, Answered, answer_accounts
from pipeline.serving.answers import Call, Question, answer_all, call_all, warm_up
from pipeline.serving.app import Routes, make_app
from pipeline.serving.batches import Batches
from pipeline.serving.cache import make_cache
from pipeline.serving.champion import Follower
from pipeline.serving.database import ANSWERS, Database
from pipeline.serving.examples import Asked
from pipeline.serving.guard import Tokens, require_safe_address
from pipeline.serving.metrics import ServingMetrics, State
from pipeline.serving.pages import DOWNLOAD_S, Pages
from pipeline.serving.problems import Problem
from pipeline.serving.protocol import BoundedProtocol
from pipeline.serving.scores import Scores, Values
from pipeline.serving.shadow import Shadows
from pipeline.settings import ConfigurationInvalid, Settings

_log = logging.getLogger(__name__)
_NOBODY: Final = ""
"""An id that no account has."""
_PREPARING: Final = 2
"""Requests of which events are made examples at once."""
_BACKLOG: Final = 512
_KEEP_ALIVE_S: Final = 75
_CONNECTIONS: Final = 1000
"""Beyond so many at once a request is answered with 503."""
_SWITCH_S: Final = 0.001
"""Seconds after which a thread of Python leaves the others a turn: by default it is five times as
long, for which an answer would wait that only has to be sent."""
_WATCH_S: Final = 0.5
"""Seconds between two looks at whether the database hangs."""
_BESIDE: Final = "A model of a split or in shadow is not asked: the log says why."
_NOT_FOLLOWED: Final = "The champion of the registry does not answer: the log says why."


class Server:
    """Everything of one server.

    Args:
        settings: Of the installation.
        owns_process: Whether nothing else works in this process.

    Raises:
        ConfigurationInvalid: The tokens cannot be used, or it would listen without any.
    """

    def __init__(self, settings: Settings, *, owns_process: bool = False):
        self._settings, serving = settings, settings.serving
        tokens = Tokens(serving)
        require_safe_address(serving, tokens)
        self._metrics = ServingMetrics()
        cache = self._cache = make_cache(serving.serve_cache_entries)
        self._database = Database(
            settings.reading, serving.serve_statement_seconds, self._require_own, cache
        )
        self._follower = Follower(settings, warm_up, owns_process=owns_process)
        bounds: dict[str, Any] = {
            "most": serving.serve_batch,
            "waiting": serving.serve_queue,
            "deadline_s": serving.serve_deadline_seconds,
        }
        self._reading: Batches[AccountQuestion, Answered] = Batches(
            partial(answer_accounts, self._database.read),
            "the database and the model",
            threads=serving.serve_database_connections,
            told=self._metrics.batches.labels("database").observe,
            **bounds,
        )
        self._asking: Batches[Question | Call, Values] = Batches(
            answer_all,
            "the model",
            told=self._metrics.batches.labels("model").observe,
            **bounds,
        )
        self._preparing: Batches[Call, Any] = Batches(
            call_all, "the events", threads=_PREPARING, **(bounds | {"most": 1})
        )
        self._shadows = Shadows(
            lambda: self._follower.found.shadows,
            lambda: bool(self._reading.waiting or self._asking.waiting),
            self._metrics,
        )
        scores = Scores(
            settings,
            self._follower,
            self._reading,
            self._asking,
            self._preparing,
            cache,
            self._metrics.tell_cached,
            self._shadows.offer,
        )
        self._metrics.collect_from(State(self._state))
        # A long download holds no page up.
        makers = (Pages(), Pages(DOWNLOAD_S, stays=False))
        self._pages = makers if serving.serve_pages else None
        self.app = make_app(
            Routes(scores, self._metrics, self.ready, self._pages),
            serving,
            tokens,
            self._metrics,
            self._running,
        )

    def look(self) -> None:
        """Looks for the champion once."""
        self._follower.look()

    def ready(self) -> dict[str, Any]:
        """Says whether scores are answered, and by which model."""
        found = self._follower.found
        champion = found.champion
        second = champion.second if champion else None
        return {
            "ready": champion is not None,
            "model_version": champion.version if champion else None,
            "loaded_at": champion.loaded_at.isoformat(timespec="seconds") if champion else None,
            # Why, is in the log: everybody may ask here.
            "problem": _NOT_FOLLOWED if found.problem else _BESIDE if found.notes else None,
            "second_model_version": second.version if second else None,
            "shadow_models": len(found.shadows),
            "database": self._database.state,
        }

    def _require_own(self, database: DatabaseIdentity) -> None:
        require_state_of(self._settings, database)

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        self._reading.start()
        self._asking.start()
        self._preparing.start()
        connections = self._settings.serving.serve_database_connections
        tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._watch())]
        tasks.append(asyncio.create_task(self._shadows.run()))
        tasks += [asyncio.create_task(self._connect()) for _ in range(connections)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for one in self._pages or ():
                await one.stop()
            await self._reading.stop()
            await self._asking.stop()
            await self._preparing.stop()
            self._shadows.stop()

    async def _connect(self) -> None:
        """Asks the database once, so that no request is the first."""
        with suppress(Problem):
            await self._reading.ask(AccountQuestion(Asked(_NOBODY)))

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._settings.serving.serve_poll_seconds)
            await asyncio.to_thread(self._follower.look)
            if self._cache is not None:
                self._cache.forget_old()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            self._database.end_hanging()

    def _state(self) -> Iterator[tuple[str, str, float, bool]]:
        found = self._follower.found
        champion = found.champion
        begins = "tens_insight_serve_"
        yield f"{begins}ready", "Whether a model answers.", float(champion is not None), False
        yield (
            f"{begins}database_up",
            "Whether the database answered when it was last asked.",
            float(self._database.state == ANSWERS),
            False,
        )
        yield f"{begins}model_swaps", "Models that took another one's place.", found.swaps, True
        yield (
            f"{begins}model_failures",
            "Trials to load the champion that ended with a problem.",
            found.failures,
            True,
        )
        yield (
            f"{begins}model_followed",
            "Whether the champion of the registry answers.",
            float(not found.problem),
            False,
        )
        yield f"{begins}shadow_models", "Models in shadow.", len(found.shadows), False
        if champion is not None:
            loaded = champion.loaded_at.timestamp()
            yield f"{begins}model_loaded_timestamp_seconds", "When it was loaded.", loaded, False
            yield f"{begins}model_load_seconds", "How long that took.", champion.load_s, False
        waiting = "Requests that wait for "
        yield f"{begins}waiting_database", waiting + "the database.", self._reading.waiting, False
        yield f"{begins}waiting_model", waiting + "the model.", self._asking.waiting, False
        said = "Requests whose events wait to be made examples."
        yield f"{begins}waiting_events", said, self._preparing.waiting, False


def serve(settings: Settings, told: Callable[[str], None]) -> None:
    """Answers requests until the process is told to end.

    Args:
        settings: Of the installation.
        told: Is told in a line where it listens, and by which model it answers.

    Raises:
        ConfigurationInvalid: It cannot listen there, or would without tokens.
        AddressInvalid: What names the database is wrong in itself.
        DatabaseUnreachable: Nothing names one.
    """
    _log_to_stderr()
    ensure_database(settings)
    # A database that is away is asked again with each request; an address that is none is not.
    with suppress(DatabaseUnreachable):
        read_address(os.environ)
    server = Server(settings, owns_process=True)
    sys.setswitchinterval(_SWITCH_S)
    serving = settings.serving
    listening = _listen(serving.serve_host, serving.serve_port)
    server.look()
    ready = server.ready()
    host, port = listening.getsockname()[:2]
    by = ready["model_version"] or "none yet"
    config = uvicorn.Config(
        server.app,
        log_config=None,
        access_log=False,  # paths name accounts
        lifespan="on",
        loop="asyncio",
        http=BoundedProtocol,
        limit_concurrency=_CONNECTIONS,
        ws="none",
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=serving.serve_drain_seconds,
    )
    # uvicorn raises the signal again once all is ended: then it has been answered.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    shown = f"[{host}]" if ":" in host else host
    http = uvicorn.Server(config)
    begun = partial(told, f"Listening on http://{shown}:{port}, model {by}")
    asyncio.run(_serve(http, listening, begun))
    told("Ended.")


async def _serve(http: uvicorn.Server, listening: socket.socket, begun: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    loop.call_soon(begun)
    await http.serve(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        raise ConfigurationInvalid(
            f"It cannot listen on {host}, port {port}: {error}. Choose another one with "
            "TENS_INSIGHT_SERVE_HOST and TENS_INSIGHT_SERVE_PORT."
        ) from None
    return made


def _log_to_stderr() -> None:
    """Logs from INFO on what this room says, and from WARNING on what libraries do."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("pipeline.serving").setLevel(logging.INFO)
