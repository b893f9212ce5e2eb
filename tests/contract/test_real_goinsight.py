"""The published rows, asked of the real GoInsight over HTTP; `make goinsight SOURCE=FOLDER`.

Needs a checkout in GOINSIGHT_SOURCE and Go, which may fetch the modules that it requires.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from datetime import datetime
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

import pytest

from pipeline.cli import run_cli
from tests.contract.conftest import execute, publish_areas, publish_scores, query
from tests.contract.goinsight import GoInsight, check_published
from tests.contract.test_pages import statements
from tests.contract.test_tables import FEEDBACK

SOURCE = os.environ.get("GOINSIGHT_SOURCE")
STARTS_WITHIN_S = 30
OTHER_IDS = ("acc 1", "ÄÖ/1", "it's", "日本", "a;b=c@d")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SOURCE, reason="GOINSIGHT_SOURCE names no checkout of GoInsight"),
    pytest.mark.skipif(not shutil.which("go"), reason="Go is not installed"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """GoInsight, built in a copy of its checkout with a main program of ours."""
    copy = tmp_path_factory.mktemp("goinsight") / "source"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns(".git"))
    main = copy / "cmd" / "contract" / "main.go"
    main.parent.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("goinsight_main.go"), main)
    built = subprocess.run(
        ["go", "build", "-o", "contract", "./cmd/contract"],
        cwd=copy,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return copy / "contract"


@contextlib.contextmanager
def serving(program, database):
    """Starts it on the database, with its migrations; yields a function from path to JSON."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = {**os.environ, "DATABASE_URL": f"{database}&sslmode=disable", "LISTEN": address}
    with (
        (program.parent / "log").open("w+") as log,
        subprocess.Popen(
            [program], cwd=program.parent, env=environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            _wait(process, address, log)
            yield lambda path: _get(f"http://{address}{path}")
        finally:
            process.terminate()


def _wait(process, address, log):
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(URLError):
            return urlopen(f"http://{address}/api/health")
        time.sleep(0.1)
    log.seek(0)
    raise AssertionError(f"it did not start: {log.read()[-2000:]}")


def _get(url):
    try:
        with urlopen(url) as answer:
            return json.load(answer)
    except HTTPError as error:
        return error.code


def _moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_it_serves_every_published_row(program, database, monkeypatch):
    with serving(program, database):
        pass  # its migrations made its tables
    execute(database, "TRUNCATE feedback_enriched", FEEDBACK)
    for number, account in enumerate(OTHER_IDS):
        execute(database, _one_row(f"other-{number}", account))
    assert run_cli(["db", "init"]) == 0
    publish_scores(database, monkeypatch)
    publish_areas(database, monkeypatch)
    check_published(GoInsight(database))
    with serving(program, database) as get:
        scores = query(database, "SELECT * FROM account_risk_scores")
        for account, probability, health, category, predicted_at, version in scores:
            if "/" in account:
                continue  # docs/goinsight.md: its router splits the path there
            found = get(f"/api/accounts/{quote(account, safe=';=@')}/health")
            assert found["account_id"] == account
            assert found["churn_probability"] == probability
            assert found["health_score"] == health
            assert found["risk_category"] == category
            assert _moment(found["predicted_at"]) == predicted_at
            assert found["model_version"] == version
        assert get("/api/accounts/nobody/health") == 404
        areas = query(database, "SELECT * FROM product_area_impact")
        listed = get("/api/priorities/product-areas")["product_areas"]
        served = {(one["product_area"], one["segment"]): one for one in listed}
        assert len(served) == len(listed) == len(areas)
        for area, segment, score, count, *_ in areas:
            assert served[area, segment]["priority_score"] == score
            assert served[area, segment]["feedback_count"] == count


def test_it_starts_once_our_tables_are_handed_over(program, database, roles):
    """db init by another role than GoInsight's; docs/goinsight.md has the statements."""
    assert run_cli(["db", "init"]) == 0
    goinsight = '"{}"'.format(roles.names.reader.replace('"', '""'))
    execute(database, f"GRANT USAGE, CREATE ON SCHEMA public TO {goinsight}")
    name = urlsplit(database).path.lstrip("/")
    execute(database, f"GRANT CONNECT ON DATABASE {name} TO {goinsight}")
    with pytest.raises(AssertionError, match="must be owner"), serving(program, roles.reader):
        pass
    hand_over = statements("goinsight.md")[0]
    execute(database, hand_over.replace("TO goinsight", f"TO {goinsight}"))
    with serving(program, roles.reader) as get:
        assert get("/api/health")["status"]


def _one_row(number, account):
    text = account.replace("'", "''")
    return (
        f"INSERT INTO feedback_enriched SELECT '{number}', '2026-05-20', 'email', 'billing', "
        f"'negative', 3, 't', 'EU', 'pro', '{text}', 's'"
    )
