"""The OpenAPI document: what can be asked, and what is answered."""

from importlib.metadata import version
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from pipeline.serving.bodies import AccountAsked, ScoreRequest
from serving_model.served.risk import CATEGORIES

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "number"}
_MOMENT: Final = {"type": "string", "format": "date-time"}
_SCHEMAS: Final = "#/components/schemas/"
_BAND: Final = {"type": ["string", "null"], "enum": [*CATEGORIES, None]}


def document() -> dict[str, Any]:
    """Returns the document."""
    _, found = models_json_schema(
        [(ScoreRequest, "validation"), (AccountAsked, "validation")],
        ref_template=_SCHEMAS + "{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tens-Insight",
            "version": version("tens-insight"),
            "description": "Churn scores of accounts, by the champion, now.",
        },
        "paths": {
            "/v1/accounts/{account_id}/score": {"get": _account()},
            "/v1/score": {"post": _score()},
            "/healthz": {"get": _plain("Whether the process answers.")},
            "/readyz": {"get": _plain("Whether scores are answered, and by which model.")},
            "/metrics": {"get": _plain("Metrics as Prometheus text.", "text/plain")},
        },
        "components": {
            "schemas": {**found["$defs"], **_answers()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _account() -> dict[str, Any]:
    return {
        "summary": "The score of an account, by what the database has of it now.",
        "parameters": [
            _parameter("account_id", "path", "As it is in the database, percent-encoded.", _TEXT),
            _parameter("as_of", "query", "The moment, ISO 8601; if absent, now.", _MOMENT),
            _parameter("reasons", "query", "Whether to say why.", {"type": "boolean"}),
        ],
        "responses": {"200": _json("The score.", "Score"), **_problems("404")},
    }


def _score() -> dict[str, Any]:
    one = {"$ref": _SCHEMAS + "AccountAsked"}
    several = {"$ref": _SCHEMAS + "ScoreRequest"}
    return {
        "summary": "Scores of accounts by events in the body, or by these beside the database's.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"anyOf": [several, one]}}},
        },
        "responses": {
            "200": _json("The scores, in the order of the accounts.", "Scores"),
            **_problems("400", "404", "413"),
        },
    }


def _problems(*more: str) -> dict[str, Any]:
    said = {
        "400": "The body is no JSON.",
        "401": "The token is missing or unknown.",
        "404": "No feedback names the account, or it is not scored.",
        "413": "The body is too large.",
        "422": "A value is wrong.",
        "429": "Too many requests of one client; Retry-After says when to try again.",
        "503": "Overloaded, or database or model away; Retry-After says when to try again.",
    }
    codes = sorted({"401", "422", "429", "503", *more})
    return {code: _json(said[code], "Problem") for code in codes}


def _json(said: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _SCHEMAS + schema}}}
    return {"description": said, "content": content}


def _plain(said: str, kind: str = "application/json") -> dict[str, Any]:
    return {"summary": said, "responses": {"200": {"description": said, "content": {kind: {}}}}}


def _parameter(name: str, place: str, said: str, schema: dict[str, Any]) -> dict[str, Any]:
    required = {"required": True} if place == "path" else {}
    return {"name": name, "in": place, "description": said, "schema": schema, **required}


def _answers() -> dict[str, Any]:
    published = {
        "probability": _NUMBER,
        "health_score": _NUMBER,
        "risk_band": _TEXT,
        "as_of": _MOMENT,
        "model_version": _TEXT,
    }
    reason = {
        "group": _TEXT,
        "direction": {"type": "string", "enum": ["raises", "lowers"]},
        "log_odds": _NUMBER,
        "text": _TEXT,
        "effect": _TEXT,
    }
    score = {
        "account_id": _TEXT,
        "as_of": _MOMENT,
        "probability": {"type": "number", "minimum": 0, "maximum": 1},
        "health_score": {"type": "number", "minimum": 0, "maximum": 100},
        "horizon_days": {"type": "integer"},
        "horizons": {"type": "object", "additionalProperties": _NUMBER},
        "risk_band": _BAND,
        "model_version": _TEXT,
        "reasons": {"type": "array", "items": _object(reason)},
        "base_log_odds": _NUMBER,
        "other_log_odds": _NUMBER,
        "from": {"type": "string", "enum": ["database", "cache", "request", "what_if"]},
        "published": {"anyOf": [_object(published), {"type": "null"}]},
    }
    optional = ("reasons", "base_log_odds", "other_log_odds", "published")
    failed = {"account_id": _TEXT, "error": _TEXT, "code": _TEXT}
    either = [{"$ref": _SCHEMAS + "Score"}, _object(failed)]
    return {
        "Score": _object(score, optional),
        "Scores": _object({"scores": {"type": "array", "items": {"anyOf": either}}}),
        "Problem": {
            "type": "object",
            "properties": {"error": _TEXT, "code": _TEXT},
            "required": ["error", "code"],
        },
    }


def _object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
