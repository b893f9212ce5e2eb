"""Which columns are left without a group, and what a fit loses without it."""

import numpy as np
import pytest

from bench.ablation import ALL, column_counts, kept_columns, losses, print_losses
from transforms.reason_groups import feature_groups, group_names


def test_every_column_is_left_out_once() -> None:
    groups = feature_groups()
    kept = kept_columns(groups)
    assert set(kept) == set(group_names())
    assert np.sum([~one for one in kept.values()], axis=0).tolist() == [1] * len(groups)
    for group, one in kept.items():
        assert {name for name, here in zip(groups, one, strict=True) if not here} == {group}
    assert column_counts(("a", "b", "a")) == {"a": 2, "b": 1}


def test_the_largest_loss_stands_first(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 3, 1500)
    labels = (rng.random(1500) < truth).astype(np.float64)
    blind = np.full(1500, labels.mean())
    probabilities = {ALL: truth, "nothing": truth.copy(), "all of it": blind}
    first, last = losses(labels, probabilities, {"all of it": 7})
    assert (first.group, first.columns, last.group, last.columns) == ("all of it", 7, "nothing", 0)
    assert first.auc_interval[0] > 0.1
    assert first.log_loss_interval[0] > 0
    assert first.log_loss_interval[0] < first.log_loss_loss < first.log_loss_interval[1]
    assert (last.auc_loss, last.log_loss_loss) == (0, 0)
    print_losses(labels, probabilities, {"all of it": 7})
    assert f"| all of it | 7 | {first.auc_loss:+.4f} |" in capsys.readouterr().out
