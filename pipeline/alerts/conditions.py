"""The conditions of alerts: what holds, by what was read. Nothing is read here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from components.alerts import alert as kinds
from components.alerts.alert import Alert
from components.alerts.alert_table import Looked
from components.monitor.measures import SHARES, name_of_measure
from pipeline.alerts.facts import AlarmMoment, Facts, StreamState
from pipeline.alerts.failures import failed_runs, failure_alerts
from pipeline.runs.record import AT_WORK, NOT_STARTED, TUNE
from pipeline.settings import Settings
from pipeline.status import hours
from transforms.cold_start_rule import is_rule

_AHEAD: Final = timedelta(minutes=5)
DATABASE_KEY: Final = "database"
_CHANCE_AUC: Final = 0.5


@dataclass(frozen=True)
class Found:
    """What a look found.

    Attributes:
        holding: Alerts that hold.
        looked_at: The kinds, and the (kind, key) pairs, of which `holding` has all that hold.
    """

    holding: Sequence[Alert]
    looked_at: Sequence[Looked]


def evaluate(facts: Facts, settings: Settings) -> Found:
    """Returns what holds.

    Args:
        facts: What was read.
        settings: With the bars.
    """
    holding = list(failure_alerts(facts))
    looked: list[Looked] = [kinds.DATABASE_UNREACHABLE]
    if facts.database is not None:
        # Without the database nobody knows of other machines' runs, or what the breaker refused.
        looked += [kinds.RUN_FAILED, kinds.DATA_GATE_STOPPED]
        for kind, condition in _OF_DATABASE.items():
            holding += condition(facts, settings)
            looked.append(kind)
        if all(one.comparison.compared for one in facts.database.status.outputs):
            holding += foreign_writers(facts)
            looked.append(kinds.FOREIGN_WRITER)
    if facts.metadata is not None:
        holding += metadata_problems(facts)
        looked += [(kind, facts.state_dir) for kind in _OF_METADATA]
    holding += disk_nearly_full(facts, settings)
    looked.append((kinds.DISK_NEARLY_FULL, facts.state_dir))
    holding = _one_of_each(holding)
    return Found(holding, [*looked, *(one.identity for one in holding)])


def _one_of_each(holding: Sequence[Alert]) -> list[Alert]:
    """Of what holds for two reasons the first is told."""
    found: dict[tuple[str, str], Alert] = {}
    for one in holding:
        found.setdefault(one.identity, one)
    return list(found.values())


def run_missed(facts: Facts, settings: Settings) -> Iterator[Alert]:
    """Finds that no run that publishes began when one was due: the dead-man's switch.

    A run that failed was told as such, and stays open: nothing is missed beside it.
    """
    assert facts.database is not None
    limit = timedelta(hours=settings.alerts.alert_run_every_hours)
    if not limit or any(run.kind != TUNE for run in failed_runs(facts.runs)):
        return
    began = [run for run in facts.runs if run.kind != TUNE and run.state != NOT_STARTED]
    newest = max(began, key=lambda run: run.started_at, default=None)
    published = facts.database.status.scores.last
    moments = [facts.database.known_since]
    moments += [newest.started_at] if newest else []
    moments += [published.published_at] if published else []
    last = max(moments)
    waited = facts.now - last
    if waited <= limit:
        return
    said = f"No run that publishes began for {hours(waited)}, one is due every {hours(limit)}"
    if newest is not None and newest.state in AT_WORK:
        said += f": {newest.kind} {newest.run_id} is {newest.state} since then"
    evidence = {"last": last, "limit_hours": settings.alerts.alert_run_every_hours}
    evidence |= {"run_id": newest.run_id, "state": newest.state} if newest else {}
    yield Alert(kinds.RUN_MISSED, "publishing", f"{said}.", evidence)


def scores_stale(facts: Facts, settings: Settings) -> Iterator[Alert]:
    """Finds that the scores that are shown are too old, or of the future."""
    assert facts.database is not None
    status, limit = (
        facts.database.status,
        timedelta(hours=settings.alerts.alert_scores_max_age_hours),
    )
    last, age = status.scores.last, status.age
    if not limit or last is None or age is None or -_AHEAD <= age <= limit:
        return
    how = f"{hours(age)} old, more than {hours(limit)}"
    if age < timedelta():
        how = f"{hours(-age)} in the future: a clock or TENS_INSIGHT_AS_OF was wrong"
    yield Alert(
        kinds.SCORES_STALE,
        status.scores.comparison.table,
        f"The scores are {how}. The last publication is {last.publication_id}, as of "
        f"{last.as_of:%Y-%m-%d %H:%M} UTC.",
        {
            "publication_id": last.publication_id,
            "as_of": last.as_of,
            "model_version": last.model_version,
            "limit_hours": settings.alerts.alert_scores_max_age_hours,
        },
    )


def foreign_writers(facts: Facts) -> Iterator[Alert]:
    """Finds output tables that do not hold what was published."""
    assert facts.database is not None
    for output in facts.database.status.outputs:
        one = output.comparison
        if one.as_published:
            continue
        yield Alert(
            kinds.FOREIGN_WRITER,
            one.table,
            f"{one.table} does not hold what was published: {'; '.join(one.sentences())}.",
            {
                "rows": one.rows,
                "foreign": one.foreign,
                "changed": one.changed,
                "missing": one.missing,
            },
        )


def unusual_scores(facts: Facts, settings: Settings) -> Iterator[Alert]:
    """Finds that the scores alone are unusual."""
    yield from _unusual(facts, kinds.ODD_SCORES, of_scores_alone=True)


def unusual_input(facts: Facts, settings: Settings) -> Iterator[Alert]:
    """Finds that what the scores are computed from is unusual."""
    yield from _unusual(facts, kinds.DRIFT, of_scores_alone=False)


def _unusual(facts: Facts, kind: str, *, of_scores_alone: bool) -> Iterator[Alert]:
    assert facts.database is not None
    for one in facts.database.moments:
        if one.of_scores_alone == of_scores_alone:
            yield _alarm(kind, one)


def stream_behind(facts: Facts, settings: Settings) -> Iterator[Alert]:
    """Finds a stream that has stopped or reads too slowly, or for which much of the log is kept."""
    assert facts.database is not None
    minutes = settings.alerts.alert_stream_minutes
    percent = settings.alerts.alert_stream_log_percent
    for one in facts.database.streams:
        said = []
        silent = facts.now - one.committed_at
        if minutes and silent > timedelta(minutes=minutes):
            refusal = facts.database.stream_refused
            why = f", because its scores were refused (r{refusal.refusal_id})" if refusal else ""
            said.append(f"nothing was committed for {hours(silent)}{why}")
        elif (
            minutes
            and one.caught_up_at
            and facts.now - one.caught_up_at > timedelta(minutes=minutes)
        ):
            said.append(
                f"it has not read to the end of its topic for {hours(facts.now - one.caught_up_at)}"
                f", and {one.behind} messages were left"
            )
        kept = _share_kept(one)
        if one.lost:
            said.append("the server dropped the log that it did not read")
        elif kept is not None and kept * 100 >= percent:
            said.append(
                f"the server keeps {(one.retained or 0) / 2**20:.0f} MB of its log for the "
                f"replication slot {one.slot}, {kept:.0%} of what it may"
            )
        if said:
            yield Alert(
                kinds.STREAM_BEHIND,
                one.source,
                f"The stream ({one.source}) is behind: {' and '.join(said)}.",
                {
                    "committed_at": one.committed_at,
                    "slot": one.slot,
                    "retained_bytes": one.retained,
                    "safe_bytes": one.safe,
                    "messages_left": one.behind,
                    "caught_up_at": one.caught_up_at,
                },
            )


def stream_refused(facts: Facts, settings: Settings) -> Iterator[Alert]:
    """Finds that the circuit breaker refused what a stream scored, which ends the stream."""
    assert facts.database is not None
    one = facts.database.stream_refused
    if one is None:
        return
    yield Alert(
        kinds.BREAKER_REFUSED,
        "stream",
        f"The circuit breaker refused what the stream scored between two runs (refusal "
        f"r{one.refusal_id}, model {one.model_version}): {'; '.join(one.broken_limits)}. The "
        "stream has ended, and the table is as it was. `tens-insight publications diff now "
        f"r{one.refusal_id}` shows whose scores moved.",
        {
            "refusal": one.refusal_id,
            "model_version": one.model_version,
            "broken_limits": one.broken_limits,
            "refused_at": one.refused_at,
        },
    )


def _share_kept(one: StreamState) -> float | None:
    """Returns how much of the log that may be kept for a slot is kept, 0..1."""
    if one.retained is None or one.safe is None:
        return None
    whole = one.retained + max(one.safe, 0)
    return one.retained / whole if whole else None


def _alarm(kind: str, one: AlarmMoment) -> Alert:
    name = name_of_measure(one.slice_key, one.slice_value, one.column_name, one.metric)
    shown = [_number(end, one.metric) for end in (one.value, one.usual_low, one.usual_high)]
    usual = f", usual are {shown[1]} to {shown[2]}" if "-" not in shown[1:] else ""
    more = f"; and {one.measures - 1} more measures" if one.measures > 1 else ""
    return Alert(
        kind,
        f"since {one.opened_at:%Y-%m-%d %H:%M} UTC",
        f"Unusual since {one.opened_at:%Y-%m-%d}: {name} is {shown[0]}{usual}{more}. "
        "`tens-insight monitor` shows all of them.",
        {
            "measure": name,
            "value": one.value,
            "usual_low": one.usual_low,
            "usual_high": one.usual_high,
            "measures": one.measures,
            "as_of": one.window_end,
            "publication_id": one.publication_id,
        },
    )


def _number(value: float | None, metric: str) -> str:
    if value is None or value != value or abs(value) == float("inf"):
        return "-"
    return f"{value:.1%}" if metric in SHARES else f"{value:.4g}"


def performance_low(facts: Facts, settings: Settings) -> Iterator[Alert]:
    """Finds that the scores came true less than a model has to show, beyond chance."""
    assert facts.database is not None
    one = facts.database.realised
    if one is None or one.high is None:
        return
    by_rule = is_rule(one.model_version)  # it learnt nothing: no gate was ever asked about it
    bar = _CHANCE_AUC if by_rule else settings.model_gate.min_auc
    if one.high >= bar:
        return
    shown = "what chance reaches" if by_rule else "which a model has to show"
    scored = "cold-start rule" if by_rule else "model"
    yield Alert(
        kinds.PERFORMANCE_LOW,
        "realised AUC",
        f"The scores of {one.as_of:%Y-%m-%d} came true with AUC {one.value:.3f} [{one.low:.3f}, "
        f"{one.high:.3f}] within {one.horizon_days} days: all of it lies below {bar:g}, {shown}. "
        f"The {scored} is {one.model_version}.",
        {
            "auc": one.value,
            "low": one.low,
            "high": one.high,
            "bar": bar,
            "as_of": one.as_of,
            "publication_id": one.publication_id,
            "model_version": one.model_version,
        },
    )


def metadata_problems(facts: Facts) -> Iterator[Alert]:
    """Finds ML Metadata that cannot be used, a champion without files, refused challengers."""
    found = facts.metadata
    assert found is not None
    if found.problem:
        yield Alert(kinds.METADATA_UNREACHABLE, facts.state_dir, found.problem)
    if found.model_problem:
        yield Alert(
            kinds.MODEL_NOT_LOADABLE,
            facts.state_dir,
            found.model_problem,
            {"model_version": found.model_version},
        )
    if found.refused:
        yield Alert(
            kinds.CHALLENGER_REFUSED,
            facts.state_dir,
            f"The last {len(found.refused)} challengers were all refused: "
            f"{', '.join(found.refused)}. {_who_goes_on(found.model_version)}",
            {"refused": list(found.refused), "champion": found.model_version},
        )


def _who_goes_on(champion: str) -> str:
    if champion:
        return f"The champion {champion} goes on scoring, and grows old."
    return "There is no champion: nothing that was learnt scores."


def disk_nearly_full(facts: Facts, settings: Settings) -> Iterator[Alert]:
    """Finds that the disk of the state directory is nearly full."""
    bar = settings.alerts.alert_disk_free_percent
    if facts.free_percent is None or facts.free_percent >= bar:
        return
    yield Alert(
        kinds.DISK_NEARLY_FULL,
        facts.state_dir,
        f"Only {facts.free_percent:.1f} % of the disk of {facts.state_dir} are free, less than "
        f"{bar:g} %.",
        {"free_percent": round(facts.free_percent, 2), "limit_percent": bar},
    )


_OF_DATABASE: Final[Mapping[str, Callable[[Facts, Settings], Iterator[Alert]]]] = {
    kinds.RUN_MISSED: run_missed,
    kinds.SCORES_STALE: scores_stale,
    kinds.ODD_SCORES: unusual_scores,
    kinds.DRIFT: unusual_input,
    kinds.PERFORMANCE_LOW: performance_low,
    kinds.STREAM_BEHIND: stream_behind,
    kinds.BREAKER_REFUSED: stream_refused,
}
"""Conditions that the database alone can answer, by kind."""
_OF_METADATA: Final = (
    kinds.METADATA_UNREACHABLE,
    kinds.MODEL_NOT_LOADABLE,
    kinds.CHALLENGER_REFUSED,
)
