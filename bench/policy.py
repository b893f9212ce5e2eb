"""How often the policy is wrong, and how soon it is right: pairs of models on simulated worlds.

Each world has a record of 104 weeks. Models learn from four cutoffs before week 48 and score six
windows of eight weeks from week 56 on, which do not overlap; after each the policy looks, and
`pipeline.policy.decide` says what it does. No database is asked.

    python -m bench.policy --worlds 200

- Null pairs: the same learner on two random halves of the accounts. Two such models differ by a
  little; another world of the same kind tells which one is better, and that is the champion.
- Swapped pairs: the same two models, and of each account a coin says which of them is called the
  champion: neither can be better.
- Good champions: learnt from all accounts, beside a former one that learnt from a sixth.
- Bad champions: planted as if they had passed the gate, beside a good former one.
- Gains: a champion whose log-odds are drawn towards the base rate: worse by a known amount.

Pairs of which the other world says that the champion is not what its name says are left out: a
constant is no bad model where nothing can be learnt. Exits with 1 if champions that are not worse
are rolled back, or challengers that are not better promoted, in more cases than POLICY_ERROR and
the 95 % interval of a share allow.
"""

import argparse
import multiprocessing
import os
import resource
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bench.estimation import proportion
from bench.estimation_worlds import HORIZONS, KINDS, TARGET, Record, Snapshot, recorded, snapshot_at
from components.registry.stages import PROMOTE, WITHDRAW
from pipeline.policy.decide import Act, decide
from pipeline.policy.facts import Facts, KnownModel
from pipeline.setting_groups import PolicySettings
from serving_model.evaluation.recalibration import log_odds_of
from serving_model.evaluation.sequential import Sequential, Window, capital
from transforms.arrays import Booleans, Floats

RATE: Final = "6 %"
OTHER_WORLDS: Final = 1_000_000
"""Added to the seeds of the worlds that tell which model is better."""
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
RIGHT: Final = (NULL, SWAPPED, GOOD)
"""Arms in which nothing should be done."""
CHAMPION, OTHER = "champion", "other"
NOW: Final = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Found(NamedTuple):
    """What became of one pair."""

    arm: str
    is_so: bool
    """Whether another world says that the champion is what the arm says."""
    acted: int
    """After how many windows the policy acted; 0 where it never did."""
    promoted: bool
    loss: float
    """Mean squared error of the champion less that of the other model, over all windows."""
    accounts: int


Says = Callable[[Record, Snapshot, int], Floats]
"""What a model says of the accounts of a window that begins in a week, [n]."""


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
    kind = KINDS[number % len(KINDS)]
    world, other_world = (
        Lived.of(recorded(one, RATE, kind, FIRST + WEEKS * WINDOWS))
        for one in (seed, OTHER_WORLDS + seed)
    )
    random = np.random.default_rng([seed, 19])
    training = [snapshot_at(world.record, week) for week in TRAINING]
    accounts = world.record.present.shape[1]
    half, few = random.random(accounts) < 0.5, random.random(accounts) < SMALL_SHARE
    coin = random.random(accounts) < 0.5
    one, two = says(learnt(training, half)), says(learnt(training, ~half))
    if truth(other_world, one, two) > 0:
        one, two = two, one
    good = learnt(training)
    base = float(np.mean(np.concatenate([each.left(WEEKS) for each in training])))
    pairs = {
        NULL: (one, two),
        GOOD: (says(good), says(learnt(training, few))),
        **{name: (bad, says(good)) for name, bad in bad_models(world.record, training, good, base)},
        **{name: (_drawn(good, base, share), says(good)) for name, share in DRAWN.items()},
    }
    found = []
    for name, (champion, other) in pairs.items():
        really = truth(other_world, champion, other)
        is_so = really <= 0 if name in (NULL, GOOD) else really > 0
        found.append(_looked(name, world, champion, other, is_so=is_so))
    found.append(_looked(SWAPPED, world, *_swapped(coin, one, two), is_so=True))
    return found


class Lived(NamedTuple):
    """A world and its windows."""

    record: Record
    windows: list[Snapshot]

    @classmethod
    def of(cls, record: Record) -> "Lived":
        """Takes the snapshots at which windows begin."""
        return cls(record, [snapshot_at(record, FIRST + WEEKS * at) for at in range(WINDOWS)])

    def asked(self, champion: Says, other: Says) -> list[Window]:
        """Returns what two models say of each window, and what came of it."""
        weeks = range(FIRST, FIRST + WEEKS * WINDOWS, WEEKS)
        return [
            Window(
                window.left(WEEKS),
                champion(self.record, window, week),
                other(self.record, window, week),
            )
            for week, window in zip(weeks, self.windows, strict=True)
        ]


def truth(world: Lived, champion: Says, other: Says) -> float:
    """Returns how much worse a model is in a world that it did not learn from."""
    return float(np.concatenate([one.differences for one in world.asked(champion, other)]).mean())


def says(learner: Learner) -> Says:
    """Returns what a learner says of the accounts of a window."""
    return lambda record, window, week: learner.probabilities(window.features.astype(np.float64))


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


def _swapped(coin: Booleans, one: Says, two: Says) -> tuple[Says, Says]:
    def first(record: Record, window: Snapshot, week: int) -> Floats:
        heads = coin[window.account]
        return np.where(heads, one(record, window, week), two(record, window, week))

    def second(record: Record, window: Snapshot, week: int) -> Floats:
        heads = coin[window.account]
        return np.where(heads, two(record, window, week), one(record, window, week))

    return first, second


def _drawn(good: Learner, base: float, share: float) -> Says:
    """Returns a model whose log-odds lie between the base rate, at 0, and those of a good one."""
    odds = float(log_odds_of(np.array([base]))[0])

    def drawn(record: Record, window: Snapshot, week: int) -> Floats:
        right = log_odds_of(says(good)(record, window, week))
        return np.asarray(1 / (1 + np.exp(-(odds + share * (right - odds)))))

    return drawn


def bad_models(
    record: Record, training: Sequence[Snapshot], good: Learner, base: float
) -> Iterator[tuple[str, Says]]:
    """Yields the five bad models by name."""
    labels = np.concatenate([one.left(WEEKS) for one in training])
    features = np.concatenate([one.features for one in training]).astype(np.float64)
    yield BAD[0], lambda record, window, week: np.full(len(window.tier), base)
    yield BAD[1], _drawn(good, base, -1.0)
    # Known of those that left while it learnt, and of nobody when it scores.
    leak = fitted(np.c_[features, labels], labels)
    yield (
        BAD[2],
        lambda record, window, week: leak.probabilities(
            np.c_[window.features.astype(np.float64), np.zeros(len(window.tier))]
        ),
    )
    yield BAD[3], lambda record, window, week: _stale(record, good, window, week)
    yield BAD[4], says(learnt([snapshot_at(_harsher(record), week) for week in TRAINING]))


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


def _looked(arm: str, world: Lived, champion: Says, other: Says, *, is_so: bool) -> Found:
    """Looks after each window, at the other model as the former champion and as one in shadow."""
    known = world.asked(champion, other)
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
    return Found(arm, is_so, acted, promoted, float(differences.mean()), len(differences))


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
    head = " | ".join(str(look) for look in range(1, WINDOWS + 1))
    yield f"| pairs | number | loss of the champion, Brier | acted on by window {head} |"
    yield f"|---|---|---|{'---|' * WINDOWS}"
    for arm, rows in found.items():
        own = [row for row in rows if row.is_so]
        acted = [sum(0 < row.acted <= look for row in own) for look in range(1, WINDOWS + 1)]
        loss = np.mean([row.loss for row in own])
        yield f"| {arm} | {len(own)} | {loss:+.5f} | {' | '.join(map(str, acted))} |"
        promoted = sum(row.promoted for row in own)
        if promoted and arm in RIGHT:
            yield f"| {arm}, promotions among them | | | {promoted} |"
    accounts = np.mean([row.accounts / WINDOWS for rows in found.values() for row in rows])
    yield f"\n{accounts:.0f} accounts in a window on average, POLICY_ERROR {_error():g}"


def _error() -> float:
    return PolicySettings().policy_error


def misses(found: Mapping[str, Sequence[Found]]) -> Iterator[str]:
    """Yields a sentence for each rate that is exceeded: rollbacks and promotions for themselves."""
    for arm in RIGHT:
        own = [row for row in found[arm] if row.is_so]
        for what, is_promotion in (("rolled back", False), ("promoted over", True)):
            wrong = sum(row.acted > 0 and row.promoted == is_promotion for row in own)
            low, _ = proportion(wrong, len(own))
            if low > _error():
                yield f"{arm}: {wrong} of {len(own)} were {what}"


if __name__ == "__main__":
    sys.exit(main())
