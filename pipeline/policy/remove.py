"""Removes what a plan says, so that a kill in the middle leaves nothing that is half there.

A model that could become champion is withdrawn first. A folder gets a name that nobody knows
before its files go; the next time looks for such names.
"""

import shutil
from pathlib import Path
from typing import Final

from components.errors import TransitionRefused
from components.registry.stages import WITHDRAW
from pipeline.policy.clean import CLEANED, Plan, size_of
from pipeline.policy.facts import POLICY
from pipeline.registry.change_stage import decide
from pipeline.registry.registry import Registry

_GOING: Final = ".removed-"


def remove(plan: Plan, registry: Registry) -> None:
    """Removes what goes.

    Raises:
        OSError: Something cannot be removed; what came before it is gone.
        DatabaseUnreachable: Another process kept ML Metadata locked.
    """
    for version in plan.withdrawals:
        _withdraw(registry, version)
    for one in plan.removals:
        if one.path.is_dir():
            going = one.path.with_name(f"{_GOING}{one.path.name}")
            one.path.rename(going)
            shutil.rmtree(going)
        else:
            one.path.unlink(missing_ok=True)


def remove_left_over(root: Path, serving: Path) -> int:
    """Removes what a cleaning that was killed had begun to; returns how many bytes.

    Raises:
        OSError: It cannot be removed.
    """
    found = [*root.glob(f"*/*/*/{_GOING}*"), *root.glob(f"*/*/.system/*/{_GOING}*")]
    found += serving.glob(f"{_GOING}*")
    size = sum(map(size_of, found))
    for path in found:
        shutil.rmtree(path)
    return size


def _withdraw(registry: Registry, version: str) -> None:
    try:
        decide(registry, WITHDRAW, version, CLEANED, name=POLICY)
    except TransitionRefused:  # somebody withdrew it meanwhile: then it cannot be champion
        return
