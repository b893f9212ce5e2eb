"""Contents of the monitor's page: a quiet week, open alarms, a first run, and hostile words."""

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from components.contributions.mean_change import Carrier, MeanChange, Part, Side
from components.monitor.monitor_report import (
    FormerAlarm,
    MeasuredRun,
    MonitorReport,
    ShownSeries,
    StoredFinding,
)
from components.monitor.page_content import ChangePart, PageContent, UsualRange
from components.outcome_recorder.listing import (
    MissedAccount,
    Outcomes,
    Progress,
    PublishedMetric,
)

BEGIN = datetime(2026, 1, 5, tzinfo=timezone.utc)
RUNS = 40
HOSTILE = "<script>alert(1)</script>\x07\u202e & 'a' \"b\""
MEAN = ("", "", "churn_probability", "mean probability")
NEGATIVE = ("sentiment", "negative", ":table", "share of events")
ROWS = ("", "", ":table", "rows of the last 7 days")
UNSEEN = ("", "", "source", "unseen")


def moment(run):
    return BEGIN + timedelta(weeks=run)


def finding(key, value, low, high, opened_at=None):
    return StoredFinding(
        *key,
        baseline="previous",
        compared_with=moment(RUNS - 2).isoformat(),
        value=value,
        usual_low=low,
        usual_high=high,
        statistic="jump",
        surprise=9.0 if opened_at else 0.4,
        threshold=6.0,
        alarm=opened_at is not None,
        opened_at=opened_at,
    )


def series(key, values, low, high, opened_at=None, share=True):
    name = " ".join(part for part in key if part and part != ":table")
    return ShownSeries(
        key, name, share, tuple(values), finding(key, values[-1], low, high, opened_at)
    )


def wave(level, size, runs=RUNS):
    return [level + size * math.sin(run / 5) for run in range(runs)]


def content(found, alarms=()):
    runs = [MeasuredRun(moment(run), f"run-{run}", run + 1, "20260105-aa") for run in range(RUNS)]
    usual = {
        (one.key, run.window_end): UsualRange(one.finding.usual_low, one.finding.usual_high)
        for one in found
        for run in runs[10:]
    }
    report = MonitorReport(runs, found, alarms, 1.0)
    before = {one.opened_at: [MEAN] for one in alarms}
    now = {alarm.opened_at: [one.key for one in own] for alarm, own in report.open_alarms}
    return PageContent(report, usual, before | now, change(), "", parts(), outcomes(), course())


def change():
    sides = [
        Side(run + 1, moment(run), "20260105-aa", 60, ("silence", "urgency"), 2)
        for run in (RUNS - 2, RUNS - 1)
    ]
    found = [
        Part("came", "", 12, 0.0004),
        Part("left", "", 9, -0.0007),
        Part("group", "silence", 900, 0.0031),
        Part("group", "urgency", 900, -0.0002),
        Part("rest", "", 900, 0.0),
    ]
    carriers = [
        Carrier("ACC-1", 0.1, 0.4, 0.0003, {"silence": 0.3}),
        Carrier("ACC-2", None, 0.5, 0.0002, {}),
    ]
    return MeanChange(*sides, (909, 912), 900, (0.05, 0.0526), found, carriers)


def parts():
    names = ("silence", "urgency", "tenure", "volume", "rhythm")
    return [
        ChangePart(moment(run), "group", name, 0.0004 * math.sin(run + place))
        for run in range(1, RUNS)
        for place, name in enumerate(names)
    ] + [ChangePart(moment(run), "came", "", 0.0001) for run in range(1, RUNS)]


def outcomes():
    progress = Progress(2 * RUNS, 60, 58, 1, 3, moment(RUNS), 30, moment(RUNS - 1))
    missed = MissedAccount(
        "ACC-7", moment(20), 12, 60, moment(11), "20260105-aa", 0.02, "pro", "EU", "active",
        {"silence": -0.4, "tenure": 0.2}, 3, 2, 1, 0, 1, 1,
    )  # fmt: skip
    return Outcomes(progress, (), 1, (missed,))


def course():
    rows = []
    for run in range(RUNS):
        kinds = ("estimated", "realised") if run < RUNS - 9 else ("estimated",)
        for kind in kinds:
            for metric, value in (("auc", 0.7), ("log_loss", 0.21), ("left", 41.0)):
                rows.append(
                    PublishedMetric(
                        run + 1,
                        moment(run),
                        "20260105-aa",
                        60,
                        kind,
                        "",
                        metric,
                        value,
                        value * 0.94,
                        value * 1.06,
                    )  # fmt: skip
                )
    return rows


def quiet():
    found = [
        series(MEAN, wave(0.05, 0.004), 0.04, 0.06),
        series(NEGATIVE, wave(0.3, 0.02), 0.25, 0.35),
        series(ROWS, wave(2400, 90), 2000, 2800, share=False),
        series(UNSEEN, [0.0] * RUNS, 0.0, 0.01),
    ]
    return content(found)


def alarmed():
    opened = moment(RUNS - 3)
    jumped = [*wave(0.3, 0.02, RUNS - 3), 0.55, 0.56, 0.54]
    renamed = [0.0] * (RUNS - 3) + [0.3, 0.31, 0.33]
    found = [
        series(MEAN, wave(0.05, 0.004), 0.04, 0.06),
        series(NEGATIVE, jumped, 0.25, 0.35, opened),
        series(UNSEEN, renamed, 0.0, 0.01, opened),
    ]
    former = FormerAlarm(moment(5), moment(6), 4)
    return content(found, [FormerAlarm(opened, moment(RUNS - 1), 2), former])


def first_run():
    """One run: no history, no change, no outcome."""
    key = ROWS
    one = ShownSeries(key, "rows of the last 7 days", False, (12.0,), None)
    report = MonitorReport([MeasuredRun(BEGIN, "run-0", 1, "20260105-aa")], [one], [], 1.0)
    nothing = Outcomes(Progress(2, 0, 0, 0, 0, moment(4), 30, BEGIN), (), 0, ())
    return PageContent(
        report, {}, {}, None, "there is no publication before this one", [], nothing, []
    )


def hostile():
    """Words of the database that want to be more than words."""
    found = alarmed()
    key = ("source", HOSTILE, ":table", "share of events")
    opened = moment(RUNS - 3)
    named = replace(series(key, wave(0.2, 0.01), 0.3, 0.4, opened), name=f"share where {HOSTILE}")
    missed = replace(found.outcomes.missed[0], account_id=HOSTILE)
    carriers = [replace(found.change.carriers[0], account_id=HOSTILE)]
    report = replace(found.report, series=[named, *found.report.series])
    return replace(
        found,
        report=report,
        change=replace(found.change, carriers=carriers),
        outcomes=replace(found.outcomes, missed=(missed,)),
    )
