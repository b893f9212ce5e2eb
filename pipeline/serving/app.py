"""The routes: what is asked for, by path."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipeline.serving import inference_protocol
from pipeline.serving.bodies import read_json, read_moment, require_id
from pipeline.serving.champion import Champion
from pipeline.serving.guard import UNEXPECTED, Guard, Tokens
from pipeline.serving.metrics import CONTENT_TYPE, ServingMetrics
from pipeline.serving.openapi import document
from pipeline.serving.pages import CSV, PATH, Pages
from pipeline.serving.problems import Problem, json_response
from pipeline.serving.scores import Scores
from pipeline.serving.signatures import MODEL
from pipeline.serving.tensorflow_rest import metadata, predict, require_model, status
from pipeline.serving.what_if import ACCOUNT, what_if
from pipeline.setting_groups import ServingSettings

Answer = Callable[[Request], Awaitable[Response]]
_ACCOUNT: Final = "/v1/accounts/{account_id:path}/score"
_MODEL: Final = "/v2/models/{name}"
_TENSORFLOW: Final = re.compile(
    r"(?P<name>[^/:]+)(/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
    r"((?P<metadata>/metadata)|:(?P<verb>\w+))?"
)


class Routes:
    """Answers requests.

    Args:
        scores: Scores accounts.
        metrics: What is counted.
        ready: Says why the server does not answer well; nothing if it does.
        pages: Builds pages, and what is downloaded; None where there are none.
    """

    def __init__(
        self,
        scores: Scores,
        metrics: ServingMetrics,
        ready: Callable[[], dict[str, Any]],
        pages: tuple[Pages, Pages] | None = None,
    ):
        self._scores, self._metrics, self._ready = scores, metrics, ready
        self._pages = pages
        self._document = document()

    def all(self) -> list[Route]:
        """Returns the routes."""
        return [
            *self._of_pages(),
            _route(_ACCOUNT, self.account, "account"),
            _route("/v1/score", self.score, "score", "POST"),
            _route("/healthz", self.alive, "health"),
            _route("/readyz", self.readiness, "health"),
            _route("/metrics", self.metrics, "metrics"),
            _route("/openapi.json", self.openapi, "openapi"),
            _route("/v1/models/{rest:path}", self.tensorflow, "tensorflow", "GET", "POST"),
            _route("/v2", self.protocol, "protocol"),
            _route("/v2/health/live", self.live, "health"),
            _route("/v2/health/ready", self.protocol_ready, "health"),
            _route(_MODEL, self.protocol_model, "protocol"),
            _route(_MODEL + "/versions/{version}", self.protocol_model, "protocol"),
            _route(_MODEL + "/ready", self.protocol_model_ready, "protocol"),
            _route(_MODEL + "/versions/{version}/ready", self.protocol_model_ready, "protocol"),
            _route(_MODEL + "/infer", self.infer, "infer", "POST"),
            _route(_MODEL + "/versions/{version}/infer", self.infer, "infer", "POST"),
        ]

    def _of_pages(self) -> list[Route]:
        if self._pages is None:
            return []
        pages, downloads = self._pages

        async def account(request: Request) -> Response:
            return await pages.page(request, await what_if(self._scores, request))

        return [
            _route("/", pages.begin, "pages"),
            _route(ACCOUNT, account, "pages"),
            _route(CSV, downloads.page, "pages"),
            *(_route(path, pages.page, "pages") for path in (PATH, f"{PATH}/{{rest:path}}")),
        ]

    async def tensorflow(self, request: Request) -> Response:
        """Answers as TensorFlow Serving does."""
        path = _TENSORFLOW.fullmatch(request.path_params["rest"])
        posted = request.method == "POST"
        if path is None or posted != (path["verb"] is not None):
            raise Problem(400, "malformed", "Malformed request: this path is none of the REST API.")
        if path["verb"] not in (None, "predict"):
            raise Problem(400, "malformed", "The model is asked by :predict alone.")
        champion = self._scores.require_champion()
        require_model(champion, path["name"], path["version"], path["label"])
        if not posted:
            return json_response(metadata(champion) if path["metadata"] else status(champion))
        body = await request.body()
        return json_response(await self._scores.call(lambda one: predict(one, read_json(body))))

    async def protocol(self, request: Request) -> Response:
        """Says what answers by the Open Inference Protocol."""
        return json_response(inference_protocol.server())

    async def live(self, request: Request) -> Response:
        """Says that the process answers, likewise."""
        return json_response({"live": True})

    async def protocol_ready(self, request: Request) -> Response:
        """Says whether a model answers, likewise."""
        ready = bool(self._ready()["ready"])
        return json_response({"ready": ready}, 200 if ready else 503)

    async def protocol_model(self, request: Request) -> Response:
        """Describes the model."""
        return json_response(inference_protocol.metadata(self._named(request)))

    async def protocol_model_ready(self, request: Request) -> Response:
        """Says that the model answers."""
        self._named(request)
        return json_response({"name": MODEL, "ready": True})

    async def infer(self, request: Request) -> Response:
        """Asks the model."""
        self._named(request)
        body, header = await request.body(), request.headers.get(inference_protocol.HEADER)

        def work(champion: Champion) -> dict[str, Any]:
            content = inference_protocol.read_request(body, header)
            return inference_protocol.infer(champion, content)

        return json_response(await self._scores.call(work))

    def _named(self, request: Request) -> Champion:
        champion = self._scores.require_champion()
        asked = request.path_params
        require_model(champion, asked["name"], asked.get("version"), None)
        return champion

    async def account(self, request: Request) -> Response:
        """Scores one account of the database."""
        query = request.query_params
        account_id = require_id(request.path_params["account_id"])
        as_of = read_moment(query["as_of"]) if "as_of" in query else None
        told = await self._scores.of_account(account_id, as_of, _truth(query.get("reasons")))
        return json_response(told)

    async def score(self, request: Request) -> Response:
        """Scores what a request brings along."""
        wanted = await self._scores.read(await request.body())
        for one in wanted.accounts:
            require_id(one.account_id)
        return json_response({"scores": await self._scores.of_request(wanted)})

    async def alive(self, request: Request) -> Response:
        """Says that the process answers."""
        return json_response({"status": "alive"})

    async def readiness(self, request: Request) -> Response:
        """Says whether scores are answered, and by which model."""
        told = self._ready()
        return json_response(told, 200 if told["ready"] else 503)

    async def metrics(self, request: Request) -> Response:
        """Returns Prometheus text."""
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)

    async def openapi(self, request: Request) -> Response:
        """Returns the OpenAPI document."""
        return json_response(self._document)


def _truth(text: str | None) -> bool:
    if text is None or text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise Problem(422, "invalid", "reasons is true or false.")


def _route(path: str, answer: Answer, name: str, *methods: str) -> Route:
    async def answered(request: Request) -> Response:
        request.scope["serve_route"] = name
        return await answer(request)

    made = Route(path, answered, methods=list(methods or ("GET",)))
    # Ids may hold line breaks, which neither "." nor "$" of a pattern expects.
    pattern = made.path_regex.pattern.removesuffix("$")
    made.path_regex = re.compile(rf"{pattern}\Z", re.DOTALL)
    return made


def make_app(
    routes: Routes,
    settings: ServingSettings,
    tokens: Tokens,
    metrics: ServingMetrics,
    running: Callable[[], Any],
) -> ASGIApp:
    """Puts routes and guard together.

    Args:
        routes: What is answered.
        settings: Of serving.
        tokens: Who is known.
        metrics: What is counted.
        running: An asynchronous context: what works while the server does.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with running():
            yield

    app = Starlette(
        routes=routes.all(),
        lifespan=lifespan,
        exception_handlers=HANDLERS,
    )
    return Guard(app, settings, tokens, metrics)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _nowhere(request: Request, error: Exception) -> Response:
    return Problem(
        404, "no_such_path", "There is nothing here: /openapi.json lists what there is."
    ).response()


async def _otherwise(request: Request, error: Exception) -> Response:
    return Problem(405, "method", "This path is asked with another method.").response()


async def _gone(request: Request, error: Exception) -> Response:
    return Problem(400, "gone", "The body has no end.").response()


async def _unexpected(request: Request, error: Exception) -> Response:
    return UNEXPECTED.response()


HANDLERS: Final[dict[Any, Any]] = {
    404: _nowhere,
    405: _otherwise,
    Problem: _problem,
    ClientDisconnect: _gone,
    Exception: _unexpected,
}
"""What is answered by kind of error; the guard sees and logs those of the last kind."""
