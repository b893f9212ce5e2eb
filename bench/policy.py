"""How often the policy is wrong, and how soon it is right: pairs of models on simulated worlds.

Each world has a record of 112 weeks. Models learn from four cutoffs before week 48 and score six
windows of eight weeks from week 56 on, which do not overlap; after each the policy looks, and
`pipeline.policy.decide` says what it does. No database is asked.

    python -m bench.policy --worlds 200

- Null pairs: the same learner on two random halves of the accounts. Whatever is rolled back or
  promoted counts as false, although one of two such models may really be a little better.
- Swapped pairs: the same two models, and of each account a coin says which of them is called the
  champion: neither can be better.
- Good champions: learnt from all accounts, beside a former one that learnt from a sixth.
- Bad champions: planted as if they had passed the gate, beside a good former one.
- Gains: a champion whose log-odds are drawn towards the base rate: worse by a known amount.

Exits with 1 if null pairs, swapped pairs or good champions are rolled back or promoted in more
cases than POLICY_ERROR and the 95 % interval of a share allow, or if a champion that is inverted or
learnt from a leak stays after its first window. Those that are a little worse take longer: the
table says how long.
"""

import argparse
import multiprocessing
import os
import resource
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bench.estimation import proportion
from bench.estimation_worlds import HORIZONS, KINDS, TARGET, Record, Snapshot, recorded, snapshot_at
from pipeline.policy.decide import PROMOTE, WITHDRAW, Act, decide
from pipeline.policy.facts import Facts, KnownModel
from pipeline.setting_groups import PolicySettings
from serving_model.evaluation.recalibration import log_odds_of
from serving_model.evaluation.sequential import Sequential, Window, capital
from transforms.arrays import Booleans, Floats

RATE: Final = "6 %"
TRAINING: Final = (28, 32, 36, 40)
WEEKS: Final = HORIZONS[TARGET]
FIRST: Final = 56
WINDOWS: Final = 6
STALE_WEEKS: Final = 26
NEGATIVE_SHARE: Final = 1.0
"""Of the neutral messages that the harsher enrichment calls negative."""
SMALL_SHARE: Final = 1 / 6
STRENGTH: Final = 0.1
"""Inverse penalty of the learner."""
DRAWN: Final = {"half way to the base rate": 0.5, "the base rate alone": 0.0}
NULL, SWAPPED, GOOD = "null pairs", "swapped pairs", "good champions"
BAD: Final = ("constant", "inverted", "leak of the label", "stale features", "harsher enrichment")
AT_ONCE: Final = (BAD[1], BAD[2])
"""Those that are far off."""
CHAMPION, OTHER = "champion", "other"
NOW: Final = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Found(NamedTuple):
    """What became of one pair."""

    arm: str
    acted: int
    """After how many windows the policy acted; 0 where it never did."""
    promoted: bool
    loss: float
    """Mean squared error of the champion less that of the other model, over all windows."""
    accounts: int


class Learner(NamedTuple):
    """A logistic regression and the scale of its features."""

    model: LogisticRegression
    mean: Floats
    deviation: Floats

    def probabilities(self, features: Floats) -> Floats:
        """Returns the chance to leave within WEEKS, [n]."""
        found = self.model.predict_proba((features - self.mean) / self.deviation)[:, 1]
        return np.asarray(found, dtype=np.float64)


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    options = parse(arguments)
    tasks = [(options.first_seed + number, number) for number in range(options.worlds)]
    found: defaultdict[str, list[Found]] = defaultdict(list)
    with multiprocessing.get_context("spawn").Pool(options.jobs, _one_thread) as pool:
        for rows in pool.imap(findings, tasks):
            for row in rows:
                found[row.arm].append(row)
    for line in lines(found):
        print(line)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{len(tasks)} worlds, {used.ru_utime + used.ru_stime:.0f} s of CPU")
    missed = list(misses(found))
    for sentence in missed:
        print(sentence)
    return 1 if missed else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worlds", type=int, default=200, help="One pair of each kind in each.")
    parser.add_argument("--first-seed", type=int, default=5001, help="Of the worlds.")
    parser.add_argument("--jobs", type=int, default=1, help="Worlds at the same time.")
    return parser.parse_args(arguments)


def _one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def findings(task: tuple[int, int]) -> list[Found]:
    """Returns what all pairs of one world show."""
    seed, number = task
    record = recorded(seed, RATE, KINDS[number % len(KINDS)], FIRST + WEEKS * WINDOWS)
    random = np.random.default_rng([seed, 19])
    training = [snapshot_at(record, week) for week in TRAINING]
    windows = [snapshot_at(record, FIRST + WEEKS * at) for at in range(WINDOWS)]
    half = random.random(record.present.shape[1]) < 0.5
    few = random.random(record.present.shape[1]) < SMALL_SHARE
    one, other = _said(learnt(training, half), windows), _said(learnt(training, ~half), windows)
    full = learnt(training)
    good = _said(full, windows)
    coin = random.random(record.present.shape[1]) < 0.5
    return [
        _looked(NULL, windows, one, other),
        _looked(SWAPPED, windows, *_swapped(windows, coin, one, other)),
        _looked(GOOD, windows, good, _said(learnt(training, few), windows)),
        *(
            _looked(name, windows, bad, good)
            for name, bad in bad_models(record, training, windows, full)
        ),
        *(_looked(name, windows, _drawn(good, share), good) for name, share in DRAWN.items()),
    ]


def learnt(training: Sequence[Snapshot], of: Booleans | None = None) -> Learner:
    """Learns from snapshots, of all accounts or of some of the world."""
    own = [one.of(of[one.account]) if of is not None else one for one in training]
    features = np.concatenate([one.features for one in own]).astype(np.float64)
    labels = np.concatenate([one.left(WEEKS) for one in own])
    return fitted(features, labels)


def fitted(features: Floats, labels: Booleans) -> Learner:
    """Fits a logistic regression."""
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    model = LogisticRegression(C=STRENGTH, max_iter=100, solver="newton-cholesky")
    model.fit((features - mean) / deviation, labels)
    return Learner(model, mean, deviation)


def _said(learner: Learner, windows: Sequence[Snapshot]) -> list[Floats]:
    return [learner.probabilities(one.features.astype(np.float64)) for one in windows]


def _swapped(
    windows: Sequence[Snapshot], coin: Booleans, one: Sequence[Floats], other: Sequence[Floats]
) -> tuple[list[Floats], list[Floats]]:
    heads = [coin[window.account] for window in windows]
    pairs = list(zip(heads, one, other, strict=True))
    return (
        [np.where(at, a, b) for at, a, b in pairs],
        [np.where(at, b, a) for at, a, b in pairs],
    )


def _drawn(good: Sequence[Floats], share: float) -> list[Floats]:
    base = log_odds_of(np.array([float(np.mean(good[0]))]))
    return [1 / (1 + np.exp(-(base + share * (log_odds_of(one) - base)))) for one in good]


def bad_models(
    record: Record, training: Sequence[Snapshot], windows: Sequence[Snapshot], good: Learner
) -> Iterator[tuple[str, list[Floats]]]:
    """Yields what the five bad models say, by name."""
    labels = np.concatenate([one.left(WEEKS) for one in training])
    features = np.concatenate([one.features for one in training]).astype(np.float64)
    right, base = _said(good, windows), float(labels.mean())
    yield BAD[0], [np.full(len(one), base) for one in right]
    odds = float(log_odds_of(np.array([base]))[0])
    yield BAD[1], [1 / (1 + np.exp(-(2 * odds - log_odds_of(one)))) for one in right]
    # Known of those that left while it learnt, and of nobody when it scores.
    leak = fitted(np.c_[features, labels], labels)
    yield (
        BAD[2],
        [
            leak.probabilities(np.c_[one.features.astype(np.float64), np.zeros(len(one.tier))])
            for one in windows
        ],
    )
    yield BAD[3], [_stale(record, good, one, FIRST + WEEKS * at) for at, one in enumerate(windows)]
    harsher = learnt([snapshot_at(_harsher(record), week) for week in TRAINING])
    yield BAD[4], _said(harsher, windows)


def _stale(record: Record, good: Learner, now: Snapshot, week: int) -> Floats:
    """Scores with the features of half a year ago; who was not there has those of today."""
    then = snapshot_at(record, week - STALE_WEEKS)
    features = now.features.astype(np.float64)
    place = {account: at for at, account in enumerate(then.account.tolist())}
    for row, account in enumerate(now.account.tolist()):
        if account in place:
            features[row] = then.features[place[account]]
    return good.probabilities(features)


def _harsher(record: Record) -> Record:
    counts: NDArray[np.float64] = record.counts.copy()
    counts[1] += np.floor(NEGATIVE_SHARE * (counts[0] - counts[1] - counts[2]) + 0.5)
    return record._replace(counts=counts)


def _looked(
    arm: str, windows: Sequence[Snapshot], champion: Sequence[Floats], other: Sequence[Floats]
) -> Found:
    """Looks after each window, at the other model as the former champion and as one in shadow."""
    known = [
        Window(window.left(WEEKS), first, second)
        for window, first, second in zip(windows, champion, other, strict=True)
    ]
    error = PolicySettings().policy_error
    worse = np.maximum.accumulate(capital(known, error))
    better = np.maximum.accumulate(capital([one.swapped() for one in known], error))
    differences = np.concatenate([one.differences for one in known])
    acted, promoted = 0, False
    for looks in range(1, len(known) + 1):
        done = {(act.kind, act.version) for act in _decided(worse[looks - 1], better[looks - 1])}
        if done & {(WITHDRAW, CHAMPION), (PROMOTE, OTHER)}:
            acted, promoted = looks, (PROMOTE, OTHER) in done
            break
    return Found(arm, acted, promoted, float(differences.mean()), len(differences))


def _decided(worse: float, better: float) -> Iterator[Act]:
    """Yields what the policy does; the ends of intervals are for people, and left out."""
    settings = PolicySettings()
    old, new = KnownModel(OTHER, NOW), KnownModel(CHAMPION, NOW)
    against = Sequential(0.0, -1.0, 1.0, 1, 1, worse, better, settings.policy_error)
    turned = Sequential(0.0, -1.0, 1.0, 1, 1, better, worse, settings.policy_error)
    moment = NOW + timedelta(days=1)
    for facts in (
        Facts(moment, champion=new, former=old, against_former=against),
        Facts(moment, champion=new, challenger=old, against_champion=turned),
    ):
        yield from decide(facts, settings).acts


def lines(found: Mapping[str, Sequence[Found]]) -> Iterator[str]:
    """Yields the table, in Markdown."""
    head = " | ".join(f"by window {look}" for look in range(1, WINDOWS + 1))
    yield f"| pairs | number | loss of the champion, Brier | {head} |"
    yield f"|---|---|---|{'---|' * WINDOWS}"
    for arm, rows in found.items():
        cells = []
        for look in range(1, WINDOWS + 1):
            acted = sum(0 < row.acted <= look for row in rows)
            cells.append(f"{acted}")
        loss = np.mean([row.loss for row in rows])
        yield f"| {arm} | {len(rows)} | {loss:+.5f} | {' | '.join(cells)} |"
    accounts = np.mean([row.accounts / WINDOWS for rows in found.values() for row in rows])
    yield f"\n{accounts:.0f} accounts in a window on average, POLICY_ERROR {_error():g}"


def _error() -> float:
    return PolicySettings().policy_error


def misses(found: Mapping[str, Sequence[Found]]) -> Iterator[str]:
    """Yields a sentence for each demand that is not met."""
    for arm in (NULL, SWAPPED, GOOD):
        acted = sum(row.acted > 0 for row in found[arm])
        low, _ = proportion(acted, len(found[arm]))
        if low > _error():
            yield f"{arm}: the policy acted in {acted} of {len(found[arm])}"
    for arm in AT_ONCE:
        stayed = sum(row.acted != 1 for row in found[arm])
        if stayed:
            yield f"{arm}: {stayed} of {len(found[arm])} stayed after the first window"


if __name__ == "__main__":
    sys.exit(main())
