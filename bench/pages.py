"""How long the pages of `tens-insight serve` take where many accounts are published.

    python -m bench.pages --folder FOLDER [--accounts 100000] [--asked 40]

A server of its own is made in FOLDER and stopped again, with two publications of all accounts and
what a stream published since. Pages of the list are asked for from places all over it, as the
process that builds pages is asked: reading and writing count, sending does not.
"""

import argparse
import json
import os
import re
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from html import unescape
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import psycopg2

from bench.daily_score import DATA
from bench.server_clock import ServerClock
from components.postgres.migrate import migrate
from components.postgres.queries import named_queries, queries
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.pages.site import Site
from pipeline.settings import load_settings

BAR_MS: Final = 300.0
_DAYS: Final = 2
_STARTS: Final = 5
"""Places of a list from which its pages are asked for one after the other."""
_KEYS: Final = {"risk": "health_score", "account": "0::float8"}
"""By the list's order, the key of a place."""
_REASON: Final = {"direction": "raises", "log_odds": 0.31, "text": "9 messages about performance"}
_REASONS: Final = json.dumps(
    [_REASON | {"group": name} for name in ("silence", "topics", "tone", "volume", "tenure")]
)
CASES: Final = {
    "by risk": "",
    "band": "band=high&band=critical",
    "one rare band": "band=critical",
    "tier": "tier=enterprise",
    "tier, region and band": "tier=enterprise&region=MEA&band=medium",
    "part of the id": "find=077",
    "begin of the id": "find=acc-0007&starts=1",
    "an id that is not there": "find=zzz",
    "new in a band": "new=1&band=high",
    "moved by 5 points": "moved_by=5",
    "moved by 90 points": "moved_by=90",
    "sorted by change": "sort=moved",
    "sorted by silence": "sort=silence",
    "sorted by tenure": "sort=tenure",
    "sorted by id": "sort=account",
}
"""What is asked of the list."""


def main() -> None:
    """Makes the accounts, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--asked", type=int, default=40, help="how often each page is asked for")
    asked = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("TENS_INSIGHT_")]:
        del os.environ[name]
    os.environ["TENS_INSIGHT_STATE_DIR"] = str(asked.folder / "state")
    server = EmbeddedPostgres(asked.folder, durable=False)
    os.environ["DATABASE_URL"] = server.start()
    try:
        _fill(os.environ["DATABASE_URL"], asked.accounts, increment=False)
        clock = ServerClock(asked.folder / DATA)
        _measure(asked.asked, f"{asked.accounts:,} accounts, one publication", clock)
        _fill(os.environ["DATABASE_URL"], asked.accounts, increment=True)
        _measure(asked.asked, "with what a stream published since", clock)
    finally:
        server.stop()


def _fill(url: str, accounts: int, *, increment: bool) -> None:
    texts = named_queries((resources.files("bench") / "pages.sql").read_text("utf-8"))
    with closing(psycopg2.connect(url)) as connection:
        if not increment:
            migrate(connection)
        with connection, connection.cursor() as cursor:
            values: dict[str, Any] = {"accounts": accounts, "days": _DAYS, "reasons": _REASONS}
            if increment:
                cursor.execute(texts["increment"], values)
            else:
                cursor.execute(queries("pipeline.demo")["create_inputs"])
                cursor.execute(texts["feedback"], values)
                for day in range(1, _DAYS + 1):
                    cursor.execute(texts["publication"], values | {"day": day})
                cursor.execute(texts["table"])
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")


def _measure(times: int, what: str, clock: ServerClock) -> None:
    site = Site(load_settings())
    print(f"\n{what}\n{'page':<34}{'median ms':>11}{'p99 ms':>9}{'CPU ms':>9}   ", end="")
    print(f"bar of the list: {BAR_MS:g} ms at p99")
    _asked(site, "/pages/accounts")  # the first one connects
    for name, query in CASES.items():
        _print(f"accounts, {name}", _walk(site, query, times), clock)
    ids = [f"/pages/account?id=ACC-{place * 97 + 1:07}" for place in range(times)]
    _print("account", (_asked(site, address)[0] for address in ids), clock)
    _print("overview", (_asked(site, "/pages")[0] for _ in range(times)), clock)
    took, content = _asked(site, "/pages/accounts.csv")
    print(
        f"{'CSV of all accounts':<34}{took:>11.0f}   {len(content) / 2**20:.1f} MiB, asked for once"
    )
    site.close()


def _walk(site: Site, query: str, times: int) -> Iterator[float]:
    """Asks for the pages of a list one after the other, from some places on."""
    sort = query.partition("sort=")[2] or "risk"
    starts = [""]
    if sort in _KEYS:
        starts += [f"&{urlencode({'after': place})}" for place in _places(_KEYS[sort])]
    for start in starts:
        address = first = f"/pages/accounts?{query}{start}"
        for _ in range(times // len(starts)):
            took, content = _asked(site, address)
            yield took
            found = re.search(r'href="([^"]+)" rel="next"', content.decode())
            address = unescape(found[1]) if found else first


def _places(key: str) -> list[str]:
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection:
        cursor = connection.cursor()
        cursor.execute(
            f"SELECT {key}, account_id FROM account_risk_scores "  # noqa: S608 -- of _KEYS
            "ORDER BY hashtext(account_id) LIMIT %s",
            (_STARTS,),
        )
        return [json.dumps(row) for row in cursor.fetchall()]


def _asked(site: Site, address: str) -> tuple[float, bytes]:
    path, _, query = address.partition("?")
    begun = time.perf_counter()
    answer = site.answer(path, query)
    took = 1000 * (time.perf_counter() - begun)
    if answer.status != 200:
        raise SystemExit(f"{address}: {answer.status} {answer.content[-600:]!r}")
    return took, answer.content


def _print(name: str, asked: Iterable[float], clock: ServerClock) -> None:
    begun = time.process_time() + clock.seconds()
    ordered = sorted(asked)
    cpu = 1000 * (time.process_time() + clock.seconds() - begun) / len(ordered)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    said = "   missed" if name.startswith("accounts") and p99 >= BAR_MS else ""
    print(f"{name:<34}{statistics.median(ordered):>11.1f}{p99:>9.1f}{cpu:>9.1f}{said}")


if __name__ == "__main__":
    main()
