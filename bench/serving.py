"""What `tens-insight serve` answers, how fast, and what a swap of models costs.

A scratch database with a simulated world, two trained models, a published score of every account,
and one server process; the load comes from wrk on the same machine, at a steady rate.

    python -m bench.serving --folder /tmp/serving --accounts 3000 --seconds 30
"""

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import psycopg2
from numpy.typing import NDArray

from bench.serve_with_shadow_times import TIMES
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.registry.change_stage import decide
from pipeline.registry.registry import Registry

_PROGRAM: Final = Path(sys.executable).with_name("tens-insight")
_CONNECTIONS: Final = 10
"""Without a rate: each asks again as soon as it has an answer."""
_STEADY: Final = 20
"""Connections of a steady rate, which take turns: so an answer may take 200 ms at 100 requests a
second before one of them comes late."""
_START_S: Final = 0.5
"""Until all threads of wrk are there."""
_SHADOW_S: Final = 60.0
"""Until the models in shadow are there."""
_FIRST_S: Final = 60.0
"""Of load before models in shadow are measured: their first answer takes a fifth of a second, and
so the pause after it some 45 seconds."""
_TIMED: Final = "bench.serve_with_shadow_times"
_AFTER_S: Final = 0.1
"""After a question, in which it may still be felt."""
_PATHS: Final = """
local paths = {}
for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
"""
_AS_FAST_AS_IT_CAN: Final = (
    _PATHS
    + """
math.randomseed(1)
request = function() return wrk.format("GET", paths[math.random(#paths)]) end
"""
)
_STEADILY: Final = (
    """
local ffi = require("ffi")
ffi.cdef[[typedef struct { long s; long us; } moment; int gettimeofday(moment *, void *);]]
local read = ffi.new("moment")
local function now()
  ffi.C.gettimeofday(read, nil)
  return tonumber(read.s) + tonumber(read.us) / 1e6
end

local threads = {}
function setup(thread)
  thread:set("place", #threads)
  threads[#threads + 1] = thread
end
"""
    + _PATHS
    + """
local every, turn, begun = 0, 0, 0
turns, late, refused = {}, {}, 0
function init()
  math.randomseed(place + 1)
  every = tonumber(os.getenv("CONNECTIONS")) / tonumber(os.getenv("RATE"))
  turn = tonumber(os.getenv("BEGIN")) + place / tonumber(os.getenv("RATE")) - every
end
function delay()
  turn = turn + every
  return math.max(0, math.floor(1000 * (turn - now())))
end
function request()
  begun = math.min(turn, now())
  return wrk.format("GET", paths[math.random(#paths)])
end
function response(status)
  turns[#turns + 1] = begun
  late[#late + 1] = 1000 * (now() - begun)
  if status ~= 200 then refused = refused + 1 end
end
function done()
  local told = io.open(os.getenv("TOLD"), "w")
  for _, thread in ipairs(threads) do
    local turns, late = thread:get("turns"), thread:get("late")
    for place, one in ipairs(late) do
      told:write(string.format("%.6f %.6f\\n", turns[place], one))
    end
    told:write("refused ", thread:get("refused"), "\\n")
  end
  told:close()
end
"""
)
"""Requests at a steady rate, whatever becomes of those before: each connection has its turns, and
what an answer took is counted from the turn on, also where the connection was not free yet (Tene's
"coordinated omission")."""


@dataclass(frozen=True)
class Load:
    """What wrk measured, milliseconds."""

    rate: float
    p50: float
    p90: float
    p99: float
    requests: int
    failed: int
    cpu: float = 0.0
    """Of the server's process for one request; without Postgres and wrk."""
    each: NDArray[np.float64] | None = field(default=None, repr=False)
    """Of each request of a steady rate: its turn, seconds since 1970, and the milliseconds until
    its answer."""


@contextmanager
def server(
    environment: dict[str, str], command: Sequence[str | Path] = (_PROGRAM, "serve")
) -> Iterator[tuple[int, int, float]]:
    """Starts a server; yields its port, its process id, and the seconds until it listened."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [*command, "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    port = 0
    for line in process.stderr:
        if found := re.search(r"Listening on http://127\.0\.0\.1:(\d+)", line):
            port = int(found[1])
            break
    ready = time.monotonic() - begun
    threading.Thread(target=lambda: list(process.stderr or ()), daemon=True).start()
    try:
        yield port, process.pid, ready
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def measured(pid: int, *arguments: Any, **named: Any) -> Load:
    """Does as load, and measures what a request costs the server's process."""
    before = _cpu_ms(pid)
    found = load(*arguments, **named)
    return replace(found, cpu=(_cpu_ms(pid) - before) / max(1, found.requests))


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(port: int, paths: Sequence[str], *, rate: float, seconds: float, folder: Path) -> Load:
    """Sends requests for some time.

    Args:
        port: Of the server.
        paths: What is asked for, at random.
        rate: Requests a second, at equal distances; 0 for as many as _CONNECTIONS get answered.
        seconds: How long.
        folder: For the script.
    """
    connections = _STEADY if rate else _CONNECTIONS
    (folder / "paths").write_text("\n".join(paths) + "\n")
    (folder / "load.lua").write_text(_STEADILY if rate else _AS_FAST_AS_IT_CAN)
    begins = time.time() + _START_S
    done = subprocess.run(
        [
            # A thread of wrk does nothing but wait; only threads can have turns of their own.
            *("wrk", "--threads", str(connections if rate else 1)),
            *("--connections", str(connections), "--latency"),
            *("--duration", f"{seconds:.0f}s", "--timeout", "30s"),
            *("--script", str(folder / "load.lua"), f"http://127.0.0.1:{port}"),
        ],
        env={
            **os.environ,
            "PATHS": str(folder / "paths"),
            "TOLD": str(folder / "told"),
            "RATE": f"{rate:g}",
            "CONNECTIONS": str(connections),
            "BEGIN": f"{begins:.6f}",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    text = done.stdout
    errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    failed = sum(map(int, errors.groups())) if errors else 0
    if rate:
        return _steady_load((folder / "told").read_text(), failed, seconds - _START_S)
    others = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Load(
        rate=float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),  # type: ignore[index]
        p50=_milliseconds(text, "50%"),
        p90=_milliseconds(text, "90%"),
        p99=_milliseconds(text, "99%"),
        requests=int(re.search(r"(\d+) requests in", text)[1]),  # type: ignore[index]
        failed=failed + (int(others[1]) if others else 0),
    )


def _steady_load(told: str, failed: int, seconds: float) -> Load:
    lines = [line.split() for line in told.splitlines()]
    refused = sum(int(float(number)) for word, number in lines if word == "refused")
    each = np.array([line for line in lines if line[0] != "refused"], np.float64)
    p50, p90, p99 = np.quantile(each[:, 1], (0.5, 0.9, 0.99)).tolist()
    rate = len(each) / seconds
    return Load(rate, p50, p90, p99, len(each), failed + refused, each=each)


def _milliseconds(text: str, which: str) -> float:
    found = re.search(rf"{which}\s+([\d.]+)(us|ms|s)", text)
    assert found is not None, text
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def differences(port: int, published: dict[str, tuple[Any, ...]], as_of: str) -> dict[str, float]:
    """Compares answers, asked for by sixteen clients at once, with what is published."""

    def ask(account: str) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", f"{path_of(account)}?as_of={quote(as_of)}")
            return json.loads(connection.getresponse().read())

    with ThreadPoolExecutor(16) as pool:
        answers = dict(zip(published, pool.map(ask, published), strict=True))
    found = {"probability": 0.0, "horizons": 0.0, "other bands": 0, "other sentences": 0}
    found |= {"other log-odds of reasons": 0, "largest of these": 0.0}
    for account, told in answers.items():
        assert "probability" in told, told
        probability, band, horizons, reasons = published[account]
        found["probability"] = max(found["probability"], abs(told["probability"] - probability))
        of_horizons = [abs(told["horizons"][days] - one) for days, one in horizons.items()]
        found["horizons"] = max(found["horizons"], *of_horizons)
        found["other bands"] += told["risk_band"] != band
        texts = [[one["text"] for one in each] for each in (told["reasons"], reasons)]
        found["other sentences"] += texts[0] != texts[1]
        if texts[0] == texts[1]:
            by = [
                abs(one["log_odds"] - two["log_odds"])
                for one, two in zip(told["reasons"], reasons, strict=True)
            ]
            found["other log-odds of reasons"] += any(by)
            found["largest of these"] = max(found["largest of these"], *by, 0.0)
    return found


def ask_all(port: int, paths: Sequence[str]) -> None:
    """Asks for each path once, so that what may be known already is."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for path in paths:
            connection.request("GET", path)
            assert connection.getresponse().read()


def path_of(account: str) -> str:
    """Returns the path of an account's score."""
    return f"/v1/accounts/{quote(account, safe='')}/score"


def memory_mb(pid: int) -> float:
    """Returns the resident memory of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]


def swaps(folder: Path, port: int, count: int, versions: Sequence[str]) -> list[float]:
    """Promotes two models in turn; returns the seconds until each answered."""
    registry = Registry(folder / "state" / "metadata.sqlite")
    took = []
    for number in range(count):
        version = versions[number % 2]
        begun = time.monotonic()
        decide(registry, "promote", version, "bench")
        while _ready(port)["model_version"] != version:
            time.sleep(0.05)
        took.append(time.monotonic() - begun)
        time.sleep(1)
    return took


def _ready(port: int) -> Any:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/readyz")
        return json.loads(connection.getresponse().read())


def prepare(folder: Path, accounts: int) -> dict[str, str]:
    """Makes the world and two models, unless the folder has them; returns the environment."""
    postgres = EmbeddedPostgres(folder / "database")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "DATABASE_URL": postgres.start(),
        "TENS_INSIGHT_STATE_DIR": str(folder / "state"),
        "TENS_INSIGHT_SERVE_RATE": "0",
        "TENS_INSIGHT_SERVE_POLL_SECONDS": "0.5",
    }
    if not (folder / "made").exists():
        for command in (
            ["simulate", "--accounts", str(accounts)],
            ["db", "init"],
            ["run", "train"],
            ["run", "train"],
            ["run", "score"],
        ):
            changes = {"TENS_INSIGHT_SEED": "2"} if (folder / "state").exists() else {}
            subprocess.run([_PROGRAM, *command], env=environment | changes, check=True)
        (folder / "made").touch()
    return environment


def published_scores(url: str) -> tuple[str, dict[str, tuple[Any, ...]]]:
    """Returns the moment of the publication, and its scores by account."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.account_id, s.predicted_at, s.churn_probability, s.risk_category, "
            "d.churn_by_horizon, d.reasons FROM account_risk_scores AS s "
            "JOIN tens_insight.account_risk_details AS d USING (account_id) ORDER BY 1"
        )
        rows = cursor.fetchall()
    return rows[0][1].isoformat(), {row[0]: tuple(row[2:]) for row in rows}


def measure(
    folder: Path,
    accounts: int,
    rates: Sequence[float],
    seconds: float,
    repeats: int,
    count: int,
    idle: float,
) -> None:
    """Measures and prints all of it."""
    environment = prepare(folder, accounts)
    as_of, published = published_scores(environment["DATABASE_URL"])
    _let_publisher_answer(folder, environment["DATABASE_URL"])
    starts = []
    for _ in range(3):
        with server(environment) as (port, _, ready):
            starts.append(ready)
    print(f"start to ready: {', '.join(f'{one:.1f}' for one in starts)} s")
    with server(environment) as (port, pid, _):
        for name, value in differences(port, published, as_of).items():
            print(f"beside the batch, {len(published)} accounts, {name}: {value}")
        paths = [path_of(account) for account in list(published)[:200]]
        past = quote(as_of)
        kinds = {
            "database, with reasons": [f"{one}?as_of={past}" for one in paths],
            "database, without": [f"{one}?as_of={past}&reasons=false" for one in paths],
            "cached, with reasons": paths,
            "cached, without": [f"{one}?reasons=false" for one in paths],
        }
        for rate in rates:
            loads: dict[str, list[Load]] = {name: [] for name in kinds}
            for _ in range(repeats):
                for name, asked in kinds.items():
                    ask_all(port, asked)
                    load(port, asked, rate=100, seconds=5, folder=folder)
                    found = measured(pid, port, asked, rate=rate, seconds=seconds, folder=folder)
                    loads[name].append(found)
            for name, several in loads.items():
                print(f"{name}, {f'{rate:g} a second' if rate else 'all it can'}: {_told(several)}")
        if not count:
            return
        versions = [one.properties.model_version for one in _two_models(folder)]
        results: list[Load] = []
        before = memory_mb(pid)
        asked = [*paths, *kinds["cached, without"]]
        lasting = threading.Thread(
            target=lambda: results.append(load(port, asked, rate=0, seconds=idle, folder=folder))
        )
        lasting.start()
        took = swaps(folder, port, count, versions)
        lasting.join()
        print(f"{count} swaps in {', '.join(f'{one:.1f}' for one in took)} s: {results[0]}")
        print(f"median of a swap {statistics.median(took):.1f} s")
        print(f"memory {before:.0f} MB before, {memory_mb(pid):.0f} MB after")


def _told(loads: Sequence[Load]) -> str:
    """Says what some loads took: the median of each figure, and the p99 of each of them."""
    p50, p90, p99, cpu = (
        statistics.median(getattr(one, name) for one in loads)
        for name in ("p50", "p90", "p99", "cpu")
    )
    each = ", ".join(f"{one.p99:.1f}" for one in loads)
    requests, failed = (sum(getattr(one, name) for one in loads) for name in ("requests", "failed"))
    rate = statistics.median(one.rate for one in loads)
    return (
        f"p50 {p50:.1f}, p90 {p90:.1f}, p99 {p99:.1f} ms (of each: {each}), "
        f"{cpu:.1f} ms of CPU, {requests} requests at {rate:.0f} a second, {failed} failed"
    )


def measure_memory(folder: Path, accounts: int, minutes: int, rate: float) -> None:
    """Sends requests at a steady rate and prints resident memory each minute, and failures."""
    environment = prepare(folder, accounts)
    as_of, published = published_scores(environment["DATABASE_URL"])
    asked = [path_of(account) for account in list(published)[:200]]
    asked += [f"{one}?as_of={quote(as_of)}" for one in asked]
    with server(environment) as (port, pid, _):
        load(port, asked, rate=rate, seconds=30, folder=folder)
        print(f"after 30 s: {memory_mb(pid):.0f} MB", flush=True)
        for minute in range(1, minutes + 1):
            found = load(port, asked, rate=rate, seconds=60, folder=folder)
            print(f"{minute} min: {memory_mb(pid):.0f} MB, {found}", flush=True)


def measure_shadow(folder: Path, accounts: int, seconds: float) -> None:
    """Measures what questions to models in shadow add to the p99 of requests.

    The p99 of all requests is compared with that of those that no question was near to, of the
    same load: how fast the machine is changes from one load to the next by more than they add.
    """
    environment = prepare(folder, accounts)
    as_of, published = published_scores(environment["DATABASE_URL"])
    _let_publisher_answer(folder, environment["DATABASE_URL"])
    past = quote(as_of)
    asked = [f"{path_of(one)}?as_of={past}" for one in list(published)[:200]]
    times = folder / "shadow_times"
    times.unlink(missing_ok=True)
    environment[TIMES] = str(times)
    with server(environment, [sys.executable, "-m", _TIMED]) as (port, _, _):
        until = time.monotonic() + _SHADOW_S
        while not _ready(port)["shadow_models"]:
            assert time.monotonic() < until, "no model is in shadow"
            time.sleep(0.1)
        load(port, asked, rate=100, seconds=_FIRST_S, folder=folder)
        before = _shadow_asked(port)
        found = load(port, asked, rate=100, seconds=seconds, folder=folder)
        asked_about = _shadow_asked(port) - before
    assert found.each is not None
    questions = np.loadtxt(times, ndmin=2)
    near = near_question(found.each, questions)
    share, low, high = share_of_p99(found.each, near)
    own = questions[questions[:, 0] >= found.each[:, 0].min()]
    took = 1000 * np.median(own[:, 1] - own[:, 0])
    print(f"shadow: {asked_about:.0f} accounts, {len(own)} questions of {took:.1f} ms (median)")
    others = np.quantile(found.each[~near, 1], 0.99)
    print(
        f"shadow: {found.requests} requests, {found.failed} failed; p99 {found.p99:.2f} ms, "
        f"{others:.2f} ms without the {near.mean():.1%} near a question"
    )
    print(f"shadow, share of the p99: {share:+.1%}, 95 % interval {low:+.1%} to {high:+.1%}")


def near_question(each: NDArray[np.float64], questions: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tells which requests were under way while a question was asked, or soon after its end.

    Args:
        each: Of requests, as Load has them.
        questions: Begin and end of each, seconds since 1970, one after the other.
    """
    begun, ended = each[:, 0], each[:, 0] + each[:, 1] / 1000
    # The last question that began before the request ended is the only one that can be near.
    last = np.searchsorted(questions[:, 0], ended) - 1
    return (last >= 0) & (questions[last, 1] + _AFTER_S >= begun)


def share_of_p99(each: NDArray[np.float64], near: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Returns by how much the p99 of all requests is more than that of those not near.

    With a 95 % interval, of 2,000 bootstrap samples of the seconds in which they had their turns.
    """
    second = (each[:, 0] - each[:, 0].min()).astype(np.int64)
    places = [np.flatnonzero(second == one) for one in range(second.max() + 1)]

    def share(chosen: Sequence[int]) -> float:
        rows = np.concatenate([places[one] for one in chosen])
        took, others = each[rows, 1], ~near[rows]
        return float(np.quantile(took, 0.99) / np.quantile(took[others], 0.99) - 1)

    random = np.random.default_rng(1)
    drawn = [share(random.integers(len(places), size=len(places)).tolist()) for _ in range(2_000)]
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    return share(range(len(places))), low, high


def _shadow_asked(port: int) -> float:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    asked = re.findall(r'^tens_insight_serve_shadow_accounts_total{.*"asked".*} (.*)$', text, re.M)
    return sum(map(float, asked))


def _let_publisher_answer(folder: Path, url: str) -> None:
    """Promotes the model of the publication, where swaps of an earlier bench left another one."""
    registry = Registry(folder / "state" / "metadata.sqlite")
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT model_version FROM account_risk_scores")
        ((version,),) = cursor.fetchall()
    champion = registry.champion()
    if champion is None or champion.properties.model_version != version:
        decide(registry, "promote", version, "bench")


def _two_models(folder: Path) -> list[Any]:
    registry = Registry(folder / "state" / "metadata.sqlite")
    blessed = {one.model_id for one in registry.judged() if one.blessed_at is not None}
    found = [one for one in registry.models() if one.artifact_id in blessed]
    assert len(found) >= 2, "fewer than two models were blessed"
    return found[:2]


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="Kept, to measure again.")
    parser.add_argument("--accounts", type=int, default=3000)
    parser.add_argument("--seconds", type=float, default=20, help="Of each load.")
    parser.add_argument(
        "--rates", type=float, nargs="*", default=[100.0, 0.0], help="Requests a second; 0: all."
    )
    parser.add_argument("--repeats", type=int, default=3, help="Of each load; medians are told.")
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--while-swapping", type=float, default=120, help="Seconds of load.")
    parser.add_argument(
        "--memory-minutes", type=int, default=0, help="Only memory under a steady load, so long."
    )
    parser.add_argument("--memory-rate", type=float, default=20, help="Requests a second of it.")
    parser.add_argument(
        "--shadow-seconds",
        type=float,
        default=300,
        help="Of load beside models in shadow; 0: none.",
    )
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="serving-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if asked.memory_minutes:
            measure_memory(folder, asked.accounts, asked.memory_minutes, asked.memory_rate)
            return
        measure(
            folder,
            asked.accounts,
            asked.rates,
            asked.seconds,
            asked.repeats,
            asked.swaps,
            asked.while_swapping,
        )
        if asked.shadow_seconds:
            measure_shadow(folder, asked.accounts, asked.shadow_seconds)
    finally:
        EmbeddedPostgres(folder / "database").stop()
        if asked.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
