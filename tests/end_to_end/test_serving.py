"""A server beside an installation: the scores of the batch, and what is refused."""

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import psycopg2
import pytest
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2 as mlmd
from prometheus_client.parser import text_string_to_metric_families
from psycopg2 import sql

from components.feedback_example_gen.account_examples import (
    find_example_source,
    read_account_examples,
)
from components.page.numbers import share
from components.postgres.grants import server_statements
from pipeline.pages.page import address
from pipeline.pages.site import PAGES, READ_BY_PAGES
from pipeline.registry.registry import Registry
from pipeline.settings import load_settings
from serving_model.served.model_card import CARD
from tests.conftest import PASSWORD_GROUP, with_login
from tests.contract.conftest import execute
from tests.end_to_end.conftest import AS_OF, CANARY, PROGRAM, ROOT, SMALLEST_BLESSED
from tests.end_to_end.server_process import TOKEN, ServerProcess
from tests.environment import unset_settings
from tests.programs import program
from transforms.event_spec import LISTS, raw_feature_spec

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

_OUTPUT = mlmd.Event.OUTPUT
MOMENT = AS_OF.isoformat().replace("+00:00", "Z")
ODD = ("a/b", "a/b/score", "Köln 東京", "%2F", "?#&", "../../x", " blank ", "-1", "line\nbreak\n")
SETTINGS = {
    "TENS_INSIGHT_SERVE_STATEMENT_SECONDS": "1",
    "TENS_INSIGHT_SERVE_MAX_BODY_KB": "256",
    "TENS_INSIGHT_SERVE_POLL_SECONDS": "0.2",
    # A model is traced for inputs of another form, which takes long on a busy machine.
    "TENS_INSIGHT_SERVE_DEADLINE_SECONDS": "30",
    "TENS_INSIGHT_SERVE_RATE": "0",
}


@pytest.fixture(scope="module")
def served(copy_of_installation, postgres_server, tmp_path_factory):
    """A copy of the installation, some accounts with odd ids, and a server with its own role."""
    folder = tmp_path_factory.mktemp("served")
    with copy_of_installation(folder / "state") as made:
        _add_odd_accounts(made)
        with server_role(postgres_server, made.admin_url) as url:
            (folder / "tokens").write_text(f"{TOKEN}\n")
            environment = made.environment(SMALLEST_BLESSED | SETTINGS) | {
                "DATABASE_URL": url,
                "TENS_INSIGHT_SERVE_TOKENS_FILE": str(folder / "tokens"),
            }
            server = ServerProcess.start(PROGRAM, environment)
            try:
                yield SimpleNamespace(server=server, installation=made, url=url)
            finally:
                server.process.kill()
                server.process.wait()


@contextlib.contextmanager
def server_role(postgres_server, admin_url):
    """Makes the role of a server, with what `db grants --server` prints; yields its URL."""
    database = urlsplit(admin_url).path.lstrip("/")
    name = f"server_{database}"
    role = sql.Identifier(name)
    password = sql.Literal(CANARY)
    postgres_server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
    postgres_server.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(PASSWORD_GROUP), role))
    try:
        with contextlib.closing(psycopg2.connect(admin_url)) as connection:
            churn = ("account_churn", ("account_id", "churned_at"))
            more = {"reads_publications": False, "read_by_pages": READ_BY_PAGES}
            granted = server_statements(connection, name, *churn, **more)
        execute(admin_url, granted)
        yield with_login(admin_url, name, CANARY)
    finally:
        postgres_server.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role), database)
        postgres_server.execute(sql.SQL("DROP ROLE {}").format(role))


def _add_odd_accounts(installation):
    for number, account in enumerate(ODD):
        execute(
            installation.admin_url,
            sql.SQL(
                "INSERT INTO feedback_enriched (id, created_at, source, product_area, sentiment, "
                "priority, topic, region, customer_tier, account_id, summary) "
                "VALUES ({}, {}, 'chat', 'billing', 'negative', 5, 'invoice', 'EU', 'pro', {}, {})"
            ).format(
                sql.Literal(f"odd-{number}"),
                sql.Literal((AS_OF - timedelta(days=number + 1)).isoformat()),
                sql.Literal(account),
                sql.Literal(CANARY),
            ),
        )


def published(installation):
    rows = installation.query(
        "SELECT s.account_id, s.churn_probability, s.health_score, s.risk_category, "
        "d.churn_by_horizon, d.reasons, d.base_log_odds, d.other_log_odds, s.model_version "
        "FROM account_risk_scores s JOIN tens_insight.account_risk_details d USING (account_id) "
        "ORDER BY 1"
    )
    return {row[0]: row[1:] for row in rows}


def all_at_once(server, accounts, **query):
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda one: server.score(one, **query), accounts)
        return dict(zip(accounts, answers, strict=True))


def test_answers_are_those_of_the_batch_to_the_last_bit(served):
    """Whatever is asked for at the same time: batches of requests are put together by chance."""
    rows = published(served.installation)
    answers = all_at_once(served.server, list(rows), as_of=MOMENT)
    assert len(rows) > 300
    others = 0
    for account, (status, told) in answers.items():
        assert status == 200, told
        probability, health, band, horizons, reasons, base, rest, version = rows[account]
        assert told["probability"] - probability == 0.0
        assert (told["health_score"], told["risk_band"]) == (health, band)
        assert told["horizons"] == horizons
        assert (told["model_version"], told["as_of"]) == (version, AS_OF.isoformat())
        assert told["published"]["probability"] == probability
        assert told["published"]["risk_band"] == band
        assert told["base_log_odds"] == base
        assert told["other_log_odds"] == pytest.approx(rest, abs=3e-4)
        assert [one["text"] for one in told["reasons"]] == [one["text"] for one in reasons]
        for ours, theirs in zip(told["reasons"], reasons, strict=True):
            assert ours["log_odds"] == pytest.approx(theirs["log_odds"], abs=1.5e-4)
        others += told["reasons"] != reasons
    # Contributions are not of one bit for all sizes of a batch, and are rounded to four digits.
    assert others < len(rows) / 50


def test_without_reasons_and_one_by_one_they_are_the_same(served):
    rows = published(served.installation)
    for account in list(rows)[:15]:
        status, told = served.server.score(account, as_of=MOMENT, reasons="false")
        assert (status, told["probability"]) == (200, rows[account][0])
        assert "reasons" not in told


@pytest.mark.parametrize("account", ODD)
def test_an_id_with_slashes_and_any_letters_is_found(served, account):
    status, told = served.server.score(account)
    assert (status, told["account_id"], told["published"]) == (200, account, None)
    assert 0 <= told["probability"] <= 1


def test_events_as_they_are_now_count(served):
    """A ticket that was just written moves the score, without a run."""
    account = "a ticket was just written"
    assert served.server.score(account)[0] == 404
    execute(
        served.installation.admin_url,
        "INSERT INTO feedback_enriched SELECT 'now-1', now() - interval '2 s', source, "
        "product_area, sentiment, priority, topic, region, customer_tier, "
        f"'{account}', summary FROM feedback_enriched LIMIT 1",
    )
    status, told = served.server.score(account)
    assert (status, told["from"]) == (200, "database")


def test_who_is_unknown_or_has_left_is_told_so(served):
    status, told = served.server.score("ACC-nobody")
    assert (status, told["code"]) == (404, "unknown_account")
    ((left,),) = served.installation.query(
        "SELECT account_id FROM account_churn c WHERE churned_at < %s AND EXISTS "
        "(SELECT FROM feedback_enriched f WHERE f.account_id = c.account_id) AND NOT EXISTS "
        "(SELECT FROM feedback_enriched f WHERE f.account_id = c.account_id "
        "AND f.created_at > c.churned_at) ORDER BY 1 LIMIT 1",
        AS_OF,
    )
    status, told = served.server.score(left, as_of=MOMENT)
    assert (status, told["code"]) == (404, "not_scored")


def events_of(installation, account):
    names = ("created_at", "sentiment", "priority", "product_area", "source", "topic")
    names += ("customer_tier", "region")
    rows = installation.query(
        f"SELECT {', '.join(names)} FROM feedback_enriched WHERE account_id = %s "
        "AND created_at < %s ORDER BY created_at, hashtextextended(id, 0)",
        account,
        AS_OF,
    )
    return [
        {**dict(zip(names, row, strict=True)), "created_at": row[0].isoformat()} for row in rows
    ]


def test_the_same_events_in_a_body_give_the_same_score(served):
    rows = published(served.installation)
    accounts = list(rows)[::60]
    body = {
        "accounts": [
            {"account_id": one, "events": events_of(served.installation, one)} for one in accounts
        ],
        "as_of": MOMENT,
    }
    status, told, _ = served.server.ask("/v1/score", body)
    assert status == 200
    assert [one["probability"] for one in told["scores"]] == [rows[one][0] for one in accounts]
    assert {one["from"] for one in told["scores"]} == {"request"}


def test_what_if_is_what_the_rows_would_give(served):
    account = ODD[0]
    event = events_of(served.installation, account)[0] | {"sentiment": "positive", "priority": 1}
    event["created_at"] = (AS_OF - timedelta(hours=1)).isoformat()
    asked = {"account_id": account, "from_database": True, "as_of": MOMENT}
    nothing = served.server.ask("/v1/score", asked)[1]["scores"][0]
    assert nothing["probability"] == served.server.score(account, as_of=MOMENT)[1]["probability"]
    what_if = served.server.ask("/v1/score", asked | {"events": [event]})[1]["scores"][0]
    assert what_if["from"] == "what_if"
    assert what_if["probability"] != nothing["probability"]
    execute(
        served.installation.admin_url,
        sql.SQL(
            "INSERT INTO feedback_enriched SELECT 'what-if', {}, source, product_area, 'positive',"
            " 1, topic, region, customer_tier, account_id, summary FROM feedback_enriched "
            "WHERE id = 'odd-0'"
        ).format(sql.Literal(event["created_at"])),
    )
    written = served.server.score(account, as_of=MOMENT)[1]
    execute(served.installation.admin_url, "DELETE FROM feedback_enriched WHERE id = 'what-if'")
    for name in ("probability", "horizons", "reasons"):
        assert what_if[name] == written[name]


def test_of_several_accounts_each_is_answered_or_says_why_not(served):
    known = ODD[1]
    asked = [
        {"account_id": known, "from_database": True},
        {"account_id": "ACC-nobody", "from_database": True},
        {"account_id": "x"},
    ]
    status, told, _ = served.server.ask("/v1/score", {"accounts": asked, "reasons": False})
    assert status == 200
    assert [one.get("code") for one in told["scores"]] == [None, "unknown_account", "invalid"]


def test_what_is_refused_says_why_and_nothing_of_it_is_logged(served):
    ask = served.server.ask
    assert ask("/v1/score", {"account_id": "x"}, token=None)[0] == 401
    status, _, headers = ask("/v1/accounts/x/score", token="wrong-token-0123456789")
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    for path in ("/healthz", "/readyz"):
        assert ask(path, token=None)[0] == 200
    for path in ("/metrics", "/openapi.json"):
        assert ask(path, token=None)[0] == 401
    assert ask("/v1/score", b"x" * 300_000)[0] == 413
    assert ask("/v1/score", b'{"account_id": NaN}')[0] == 400
    assert ask("/v1/score", b"[" * 5000)[0] == 400
    assert ask("/v1/score", {"account_id": CANARY, "events": [{"topic": CANARY}]})[0] == 422
    assert served.server.score("x", as_of="2999-01-01T00:00:00Z")[0] == 422
    assert served.server.score("x", reasons="maybe")[0] == 422
    assert ask("/v2/nowhere")[0] == 404
    assert ask("/v1/score", method="DELETE")[0] == 405
    said = "\n".join(served.server.said)
    for secret in (CANARY, TOKEN, "wrong-token", *ODD[:3]):
        assert secret not in said


def test_headers_without_an_end_end_the_connection_and_nothing_else(served):
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=30) as endless:
        endless.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                endless.sendall(b"x" * 10_000)
            assert endless.recv(100) == b""
    many = {f"X-{number}": "y" * 100 for number in range(50)}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served.server.port)) as one:
        for _ in range(30):  # of one connection each request counts by itself
            one.request("GET", "/healthz", headers=many)
            assert one.getresponse().read() == b'{"status":"alive"}'


def test_a_database_that_is_slow_or_away_takes_only_itself_down(served):
    server, installation = served.server, served.installation
    body = {"account_id": "x", "events": [_event()]}
    with contextlib.closing(psycopg2.connect(installation.admin_url)) as connection:
        connection.cursor().execute("LOCK TABLE feedback_enriched IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(4) as pool:
            slow = [pool.submit(server.score, ODD[0]) for _ in range(4)]
            begun = time.monotonic()
            assert server.ask("/v1/score", body)[0] == 200
            assert time.monotonic() - begun < 0.9
            answers = [one.result() for one in slow]
    assert {(status, told["code"]) for status, told in answers} == {(503, "database_slow")}
    database = urlsplit(installation.admin_url).path.lstrip("/")
    name = sql.Identifier(database)
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    elsewhere = installation.admin_url.replace(f"/{database}", "/postgres")
    _alone(elsewhere, allow.format(name, sql.SQL("false")))
    _alone(
        elsewhere,
        sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
            sql.Literal(database)
        ),
    )
    try:
        status, told, headers = server.ask(f"/v1/accounts/{ODD[7]}/score")
        assert (status, told["code"]) == (503, "database_away")
        assert int(headers["retry-after"]) >= 1
        assert database not in json.dumps(told)
        assert server.ask("/v1/score", body)[0] == 200
        ready = server.ask("/readyz")
        assert (ready[0], ready[1]["database"]) == (200, "away")
        status, content, headers = server.ask("/pages/accounts")
        assert (status, "The database cannot be asked now" in content) == (503, True)
        assert int(headers["retry-after"]) >= 1
    finally:
        _alone(elsewhere, allow.format(name, sql.SQL("true")))
    deadline = time.monotonic() + 20
    for ask in (lambda: server.score(ODD[0]), lambda: server.ask("/pages")):
        while (status := ask()[0]) != 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert status == 200


def _alone(url, statement):
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def _event():
    return {
        "sentiment": "negative",
        "priority": 5,
        "product_area": "billing",
        "source": "chat",
        "topic": "invoice",
    }


def test_browsers_see_the_pages_and_what_if_is_what_the_api_says(served):
    ask = served.server.ask
    password = base64.b64encode(f"anyone:{TOKEN}".encode()).decode()
    basic = {"Authorization": f"Basic {password}"}
    status, content, headers = ask("/pages", token=None)
    assert (status, headers["www-authenticate"].split()[0]) == (401, "Basic")
    assert "Give a token that is known as the password" in content
    assert ask("/metrics", token=None, headers=basic)[0] == 401
    assert ask("/", token=None, headers=basic)[0] == 303
    known = next(iter(published(served.installation)))
    version = published(served.installation)[known][-1]
    ((area, segment),) = served.installation.query(
        "SELECT product_area, segment FROM product_area_impact ORDER BY priority_score DESC LIMIT 1"
    )
    named = {"id": known, "version": version, "product_area": area, "segment": segment}
    for page in PAGES:
        if page.path == "/pages/compare":  # of one model there is none
            continue
        where = address(page.path, **QUERIES_OF_PAGES.get(page.path, named))
        status, content, headers = ask(where, token=None, headers=basic)
        assert status == 200, (where, content)
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert CANARY not in content
    account, event = ODD[0], _event()
    form = {f"{name}_1": str(value) for name, value in event.items()}
    form |= {"tier": "pro", "region": "EU", "id": account}
    _, content, _ = ask(address("/pages/account", **form), token=None, headers=basic)
    body = {"account_id": account, "from_database": True}
    more = event | {"customer_tier": "pro", "region": "EU"}
    asked = {"accounts": [body, body | {"events": [more]}]}
    now, then = (share(one["probability"]) for one in ask("/v1/score", asked)[1]["scores"])
    assert f"{now} as the database has the account now, and {then} with these events" in content
    _, content, _ = ask(address("/pages/account", **form | {"days_1": "-1"}))
    assert "Event 1: expected days from 0 to 3650" in content
    _, content, _ = ask(address("/pages/account", **form | {"priority_1": "9"}))
    assert "accounts.1.events.0.priority" in content
    said = "\n".join(served.server.said)
    assert known not in said
    assert TOKEN not in said
    assert password not in said


QUERIES_OF_PAGES = {"/pages/accounts": {"new": "1", "sort": "moved"}}
"""What pages are asked by others than names."""


def test_models_are_swapped_without_a_failed_request(served, tmp_path):
    """Another model is pushed, withdrawn, and promoted, while requests are sent."""
    server, installation = served.server, served.installation
    first = server.ask("/readyz")[1]["model_version"]
    other = _push_another(installation, first, tmp_path)
    results: list[tuple[int, Any]] = []
    going = threading.Event()

    def send() -> None:
        body = {"account_id": "x", "events": [_event()], "as_of": MOMENT, "reasons": False}
        while not going.is_set():
            status, told, _ = server.ask("/v1/score", body)
            results.append((status, told["scores"][0] if status == 200 else told))

    with ThreadPoolExecutor(3) as pool:
        sending = [pool.submit(send) for _ in range(3)]
        try:
            _until(server, other)
            for command, version, expected in (
                ("withdraw", other, first),
                ("promote", other, other),
                ("promote", first, first),
            ):
                done = installation.run("models", command, version, "--reason", "to try it")
                assert done.code == 0, done.err
                _until(server, expected)
        finally:
            going.set()
        for one in sending:
            one.result()
    assert {status for status, _ in results} == {200}
    assert {told["model_version"] for _, told in results} == {first, other}
    assert len({told["probability"] for _, told in results}) == 1


def _until(server, version):
    deadline = time.monotonic() + 60
    while server.ask("/readyz")[1]["model_version"] != version:
        assert time.monotonic() < deadline, server.said
        time.sleep(0.1)


def _push_another(installation, version, folder: Path) -> str:
    """Records a copy of the champion under another version, as a run that blesses it would."""
    registry = Registry(installation.state_dir / "metadata.sqlite")
    store = registry.store
    (model,) = [one for one in registry.models() if one.properties.model_version == version]
    copied = folder / "model"
    shutil.copytree(model.uri, copied)
    card = copied / "Format-Serving" / CARD
    other = f"{version[:-8]}00000001"
    card.write_text(card.read_text().replace(version, other))
    properties = {"model_version": other, "saved_model_sha256": None}
    number = _copied(store, model.artifact_id, str(copied), properties)
    blessing = registry.blessings()[model.artifact_id].artifact_id
    _copied(store, blessing, f"{copied}/blessing", {"current_model_id": number})
    return other


def _copied(store, artifact_id: int, uri: str, properties: dict[str, Any]) -> int:
    """Records a copy of an artifact with other properties, as made by the same node."""
    (artifact,) = store.get_artifacts_by_id([artifact_id])
    (event,) = [
        one for one in store.get_events_by_artifact_ids([artifact_id]) if one.type == _OUTPUT
    ]
    (execution,) = store.get_executions_by_id([event.execution_id])
    contexts = store.get_contexts_by_execution(execution.id)
    for one in (artifact, execution):
        one.ClearField("id")
        one.ClearField("name")
    artifact.uri = uri
    for name, value in properties.items():
        del artifact.custom_properties[name]
        if isinstance(value, int):
            artifact.custom_properties[name].int_value = value
        elif value is not None:
            artifact.custom_properties[name].string_value = value
    made = mlmd.Event(type=_OUTPUT, path=event.path)
    _, (number,), _ = store.put_execution(execution, [(artifact, made)], contexts)
    return int(number)


def test_an_answer_is_known_until_something_changes(served):
    account = list(published(served.installation))[3]
    for expected in ("database", "cache", "cache"):
        status, told = served.server.score(account, reasons="false")
        assert (status, told["from"]) == (200, expected)
    assert (
        served.server.score(account)[1]["from"] == "database"
    ), "with reasons it is another answer"
    execute(
        served.installation.admin_url,
        sql.SQL(
            "INSERT INTO feedback_enriched SELECT 'known-1', now() - interval '2 s', source, "
            "product_area, sentiment, priority, topic, region, customer_tier, account_id, summary "
            "FROM feedback_enriched WHERE account_id = {} LIMIT 1"
        ).format(sql.Literal(account)),
    )
    status, changed = served.server.score(account, reasons="false")
    assert (status, changed["from"]) == (200, "database")
    assert changed["probability"] != told["probability"]


def examples_of(installation, accounts):
    """Returns the serialized examples of accounts, sorted by id, as a run makes them."""
    with (
        contextlib.closing(psycopg2.connect(installation.url)) as connection,
        pytest.MonkeyPatch.context() as patched,
    ):
        unset_settings(patched)
        source = find_example_source(connection, load_settings().reading, AS_OF)
        return read_account_examples(connection, source, accounts, AS_OF).serialized


@pytest.mark.skipif("TEST_KSERVE" not in os.environ, reason="TEST_KSERVE names no Python")
def test_kserve_s_own_client_gets_what_was_published(served, tmp_path):
    """`make kserve`: its environment is another one, since its pins are not those of TFX."""
    rows = published(served.installation)
    accounts = sorted(rows)[::10]
    examples = examples_of(served.installation, accounts)
    (tmp_path / "examples").write_text(
        "\n".join(base64.b64encode(one).decode() for one in examples)
    )
    asked = subprocess.run(
        [
            os.environ["TEST_KSERVE"],
            ROOT / "docs" / "deploy" / "kserve" / "try_client.py",
            f"http://127.0.0.1:{served.server.port}",
            tmp_path / "examples",
        ],
        env={"TOKEN": TOKEN},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    said = asked.stdout.splitlines()
    assert said[0].endswith("live, ready, model ready")
    for line in said[-2:]:
        assert json.loads(line) == [rows[one][0] for one in accounts]


def test_clients_of_tensorflow_serving_and_of_the_open_inference_protocol(served):
    """Serialized examples and raw features give the batch's probability, asked in their ways."""
    ask = served.server.ask
    account = next(iter(published(served.installation)))
    probability = published(served.installation)[account][0]
    (example,) = examples_of(served.installation, [account])
    encoded = base64.b64encode(example).decode()
    status, told, _ = ask("/v1/models/churn")
    (version,) = told["model_version_status"]
    assert (status, version["state"]) == (200, "AVAILABLE")
    pushed = sorted((served.installation.state_dir / "serving" / "churn").iterdir())
    assert version["version"] in {one.name for one in pushed}
    for path in ("", f"/versions/{version['version']}", "/labels/champion"):
        assert ask(f"/v1/models/churn{path}/metadata")[0] == 200
        asked = {"instances": [{"b64": encoded}]}
        status, told, _ = ask(f"/v1/models/churn{path}:predict", asked)
        assert (status, told["predictions"][0]["churn_probability"]) == (200, [probability])
    assert ask("/v1/models/churn/versions/7")[0] == 404
    assert ask("/v1/models/churn:classify", asked)[0] == 400
    assert ask("/v2/models/churn")[1]["platform"] == "tensorflow_savedmodel"
    assert ask("/v2/models/other/infer", {"inputs": []})[0] == 404
    for path in ("/v2/health/live", "/v2/health/ready"):
        assert ask(path, token=None)[0] == 200
    raw = {}
    for name, one in raw_feature_spec(with_label=False).items():
        value = tf.io.parse_example([example], {name: one})[name]
        raw[name] = (tf.sparse.to_dense(value) if name in LISTS else value).numpy()
    kinds = {"f": "FP32", "i": "INT64", "O": "BYTES"}
    inputs = [
        {
            "name": name,
            "datatype": kinds[value.dtype.kind],
            "shape": list(value.shape),
            "data": [
                one.decode() if isinstance(one, bytes) else one for one in value.ravel().tolist()
            ],
        }
        for name, value in raw.items()
    ]
    status, told, _ = ask("/v2/models/churn/infer", {"inputs": inputs})
    assert status == 200, told
    (found,) = [one for one in told["outputs"] if one["name"] == "churn_probability"]
    assert found["data"] == [probability]


def test_the_examples_of_the_page_are_answered(served, tmp_path):
    page = (ROOT / "docs/serving.md").read_text()
    examples = re.findall(r"```\n(curl .*?)```", page, re.DOTALL)
    assert len(examples) >= 3
    known = next(iter(published(served.installation)))
    for example in examples:
        command = example.replace("8501", str(served.server.port)).replace("ACC-001701", known)
        command = command.replace("curl ", f"{program('curl')} --silent --fail ", 1)
        command = command.replace("--fail", f"--fail --header 'Authorization: Bearer {TOKEN}'", 1)
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        assert done.returncode == 0, (example, done.stdout)
        told = json.loads(done.stdout)
        (score,) = told.get("scores", [told])
        assert 0 <= score["probability"] <= 1


def test_every_answer_is_as_the_document_says(served):
    server = served.server
    document = server.ask("/openapi.json")[1]
    assert set(document["paths"]) >= {"/v1/accounts/{account_id}/score", "/v1/score"}

    def check(content: Any, name: str) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.validate(content, schema, cls=jsonschema.Draft202012Validator)

    check(server.score(ODD[0])[1], "Score")
    check(server.score(next(iter(published(served.installation))))[1], "Score")
    check(server.score("ACC-nobody")[1], "Problem")
    body = {"account_id": "x", "events": [_event()]}
    check(body, "AccountAsked")
    several = {"accounts": [body, {"account_id": "y"}], "reasons": False}
    check(several, "ScoreRequest")
    check(server.ask("/v1/score", several)[1], "Scores")


def test_metrics_are_prometheus_text_and_name_nobody(served):
    deadline = time.monotonic() + 60
    while True:
        body = {"account_id": "x", "events": [_event()], "reasons": False}
        assert served.server.ask("/v1/score", body)[0] == 200
        status, text, headers = served.server.ask("/metrics")
        assert (status, headers["content-type"].split(";")[0]) == (200, "text/plain")
        # Models in shadow are asked some time after the request that they are asked about.
        if "serve_shadow_difference_count" in text or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    names = {one.name for one in samples}
    assert {
        "tens_insight_serve_requests_total",
        "tens_insight_serve_request_seconds_bucket",
        "tens_insight_serve_batch_size_count",
        "tens_insight_serve_ready",
        "tens_insight_serve_database_up",
        "tens_insight_serve_model_swaps_total",
        # Of the model that another one took the place of: it was asked in shadow since then.
        "tens_insight_serve_shadow_difference_count",
    } <= names
    known = {"route", "status", "le", "of", "known", "role", "outcome", "by"}
    assert {label for one in samples for label in one.labels} == known
    for account in ODD:
        assert account not in text


def test_it_may_only_read(served):
    with contextlib.closing(psycopg2.connect(served.url)) as connection:
        for statement in (
            "SELECT summary FROM feedback_enriched LIMIT 1",
            "SELECT 1 FROM tens_insight.stream_positions",
            "DELETE FROM account_risk_scores",
            "CREATE TABLE public.mine (a int)",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                connection.cursor().execute(statement)
            connection.rollback()


def test_told_to_end_it_answers_what_it_has_begun(served):
    """The last test of this file: the server has ended after it."""
    server = served.server
    with contextlib.closing(psycopg2.connect(served.installation.admin_url)) as connection:
        connection.cursor().execute("LOCK TABLE feedback_enriched IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(1) as pool:
            begun = pool.submit(server.score, ODD[0])
            time.sleep(0.3)
            ending = threading.Thread(target=server.end)
            ending.start()
            time.sleep(0.2)
            connection.rollback()
            status, told = begun.result()
            ending.join(60)
    assert status == 200, told
    assert server.process.returncode == 0
    assert server.said[-1] == "Ended."
    assert server.ready_s < 60
    assert datetime.now(timezone.utc) > AS_OF
