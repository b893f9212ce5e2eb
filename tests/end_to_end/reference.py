"""What must be published, computed in plain Python from every row of the database."""

import contextlib
from datetime import timedelta, timezone
from itertools import groupby, pairwise

import numpy as np
import psycopg2
import tensorflow as tf

LOOKBACK = timedelta(days=180)
DAY = timedelta(days=1)
TONES = ("negative", "neutral", "positive")


def product_areas(rows, as_of):
    """Returns {(area, segment): [score, rows, average sentiment, negative, critical]}."""
    pairs = {}
    for area, segment, sentiment, priority, created_at in rows:
        if as_of - 90 * DAY <= created_at < as_of:
            pairs.setdefault((area, segment), []).append((sentiment, priority, created_at))
    signals = [
        (0.15, lambda own: len(own)),
        (0.25, lambda own: sum(sentiment == "negative" for sentiment, _, _ in own)),
        (0.20, lambda own: sum(priority >= 4 for _, priority, _ in own)),
        (0.15, lambda own: sum(priority == 5 for _, priority, _ in own)),
        (0.10, lambda own: sum(at >= as_of - 7 * DAY for _, _, at in own)),
    ]
    scores = {pair: 0.15 * (pair[1] == "enterprise") for pair in pairs}
    for weight, count in signals:
        counts = {pair: count(own) for pair, own in pairs.items()}
        low, high = min(counts.values()), max(counts.values())
        for pair in pairs:
            level = 0.5 if low == high else (counts[pair] - low) / (high - low)
            scores[pair] += weight * level
    found = {}
    for pair, own in pairs.items():
        negative = sum(sentiment == "negative" for sentiment, _, _ in own)
        positive = sum(sentiment == "positive" for sentiment, _, _ in own)
        average = (positive - negative) / (len(own) + 1)
        critical = sum(priority >= 4 for _, priority, _ in own)
        found[pair] = [100 * scores[pair], len(own), average, negative, critical]
    return found


def collapsed(rows):
    """Leaves the last of rows that are equal in all but their id."""
    return list(dict.fromkeys(reversed(rows)))[::-1]


SOURCE_LISTS = ("lifetime_source", "lifetime_source_count", "days_since_source")
FILLERS = dict(zip(SOURCE_LISTS, ("", 0.0, -1.0), strict=True))


def _life(rows, as_of):
    """What an account's rows before as_of amount to, oldest first, by the features that tell it."""
    days = sorted({row[1].astimezone(timezone.utc).date() for row in rows})
    gaps = [(after - before).days for before, after in pairwise(days)]
    half_year = [row for row in rows if row[1] >= as_of - timedelta(days=180)]
    sources = sorted({row[5] for row in rows}, key=str.encode)
    newest = {row[5]: (as_of - row[1]) / DAY for row in rows}
    since = {row[2]: (as_of - row[1]) / DAY for row in rows}
    return {
        "lifetime_event_days": len(days),
        "day_gap_typical": np.expm1(np.mean(np.log1p(gaps))) if gaps else 0.0,
        "day_gap_longest": max(gaps, default=0),
        "day_gap_deviation": np.std(gaps) if gaps else 0.0,
        **{
            f"days_since_{tone}": since.get(tone, -1)
            for tone in ("negative", "neutral", "positive")
        },
        "half_year_count": len(half_year),
        "half_year_negative_count": sum(row[2] == "negative" for row in half_year),
        "half_year_positive_count": sum(row[2] == "positive" for row in half_year),
        "lifetime_source": sources,
        "lifetime_source_count": [float(sum(row[5] == one for row in rows)) for one in sources],
        "days_since_source": [newest[one] for one in sources],
    }


def raw_events(installation, accounts, max_events=500):
    """Returns the histories of some accounts as the REST signature takes them, by id."""
    with contextlib.closing(psycopg2.connect(installation.admin_url)) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT account_id, created_at, sentiment, priority, product_area, source, topic, "
            "customer_tier, region FROM feedback_enriched WHERE account_id = ANY(%s) "
            'AND created_at < %s ORDER BY account_id COLLATE "C", created_at, '
            "hashtextextended(id, 0)",
            (accounts, installation.as_of),
        )
        rows = cursor.fetchall()
    histories = [collapsed(list(group)) for _, group in groupby(rows, key=lambda row: row[0])]
    recent = [
        [row for row in rows if row[1] >= installation.as_of - LOOKBACK][-max_events:]
        for rows in histories
    ]
    width = max(len(rows) for rows in recent)

    def ages(rows):
        return [(installation.as_of - row[1]) / DAY for row in rows]

    def padded(value_of, filler):
        return [[value_of(row) for row in rows] + [filler] * (width - len(rows)) for rows in recent]

    def count(rows, *sentiments):
        return float(sum(row[2] in sentiments for row in rows))

    every = TONES
    raw = {
        "account_id": [rows[0][0] for rows in histories],
        "customer_tier": [rows[-1][7] for rows in histories],
        "region": [rows[-1][8] for rows in histories],
        "cutoff": np.full(len(histories), int(installation.as_of.timestamp())),
        "tenure_days": np.float32([ages(rows)[0] for rows in histories]),
        "days_since_last_event": np.float32([ages(rows)[-1] for rows in histories]),
        "lifetime_count": np.float32([count(rows, *every) for rows in histories]),
        **{
            f"lifetime_{name}_count": np.float32([count(rows, name) for rows in histories])
            for name in every
        },
        "event_age_days": np.float32(padded(lambda row: (installation.as_of - row[1]) / DAY, -1.0)),
        "event_priority": np.int64(padded(lambda row: row[3], 0)),
    }
    lives = [_life(rows, installation.as_of) for rows in histories]
    for name in lives[0]:
        if name in SOURCE_LISTS:
            longest, filler = max(len(life[name]) for life in lives), FILLERS[name]
            raw[name] = [life[name] + [filler] * (longest - len(life[name])) for life in lives]
        else:
            raw[name] = np.float32([life[name] for life in lives])
    columns = {"sentiment": 2, "product_area": 4, "source": 5, "topic": 6}
    for name, index in columns.items():
        raw[f"event_{name}"] = padded(lambda row, index=index: row[index], "")
    return {name: tf.constant(value) for name, value in raw.items()}
