"""Which acts make sense now, and what to do instead of the others."""

import difflib
from collections.abc import Sequence
from datetime import datetime, timezone

from components.errors import ModelActRefused, UnknownModel
from components.registry.rule import (
    PIN,
    PROMOTE,
    UNPIN,
    WITHDRAW,
    Act,
    JudgedModel,
    Standing,
    standing,
)


def require_known(version: str, models: Sequence[JudgedModel]) -> JudgedModel:
    """Returns the model of a version.

    Raises:
        UnknownModel: There is none; names the nearest ones.
    """
    for model in models:
        if model.version == version:
            return model
    known = [model.version for model in sorted(models, key=lambda one: -one.model_id)]
    if not known:
        raise UnknownModel(
            f"There is no model {version}: none was trained yet. Run `tens-insight run train`."
        )
    near = difflib.get_close_matches(version, known, n=3, cutoff=0.5) or known[:3]
    raise UnknownModel(
        f"There is no model {version} among {len(known)}. The nearest: {', '.join(near)}. "
        "`tens-insight models list` shows all."
    )


def require_possible(
    kind: str, version: str, models: Sequence[JudgedModel], acts: Sequence[Act]
) -> None:
    """Refuses an act that would contradict the gate or an act that still holds.

    Args:
        kind: promote, withdraw, pin or unpin.
        version: The model; for unpin the one that is pinned, empty if none is.
        models: All that are known.
        acts: All so far.

    Raises:
        UnknownModel: No model has that version.
        ModelActRefused: Says what stands against it, and what to do.
    """
    now = standing(acts)
    if kind == UNPIN:
        if now.pin is None:
            raise ModelActRefused("No model is pinned, so there is nothing to unpin.")
        return
    model = require_known(version, models)
    if kind in (PROMOTE, PIN):
        _require_blessed(kind, model)
    if kind == PIN:
        _require_pinnable(version, now)
    if kind == WITHDRAW:
        _require_withdrawable(version, now)


def _require_blessed(kind: str, model: JudgedModel) -> None:
    if model.blessed_at is not None:
        return
    what = "was not blessed" if model.judged else "was not judged: its training run did not get far"
    raise ModelActRefused(
        f"Model {model.version} {what}, and nothing unblessed is ever published, so it cannot "
        f"be {'pinned' if kind == PIN else 'promoted'}. `tens-insight models show "
        f"{model.version}` says why; `tens-insight models list` shows the blessed ones."
    )


def _require_pinnable(version: str, now: Standing) -> None:
    if version in now.withdrawn:
        raise ModelActRefused(
            f"Model {version} was withdrawn ({_told(now.withdrawn[version])}). Lift that first: "
            f"`tens-insight models promote {version}`, then pin it."
        )
    if now.pin and now.pin.version == version:
        raise ModelActRefused(f"Model {version} is pinned already ({_told(now.pin)}).")


def _require_withdrawable(version: str, now: Standing) -> None:
    if version in now.withdrawn:
        raise ModelActRefused(
            f"Model {version} is withdrawn already ({_told(now.withdrawn[version])})."
        )
    if now.pin and now.pin.version == version:
        raise ModelActRefused(
            f"Model {version} is pinned ({_told(now.pin)}). Unpin it first: "
            f"`tens-insight models unpin`, then withdraw it."
        )


def _told(act: Act) -> str:
    moment = datetime.fromtimestamp(act.at / 1000, timezone.utc)
    reason = f": {act.reason}" if act.reason else ""
    return f"by {act.by} at {moment:%Y-%m-%d %H:%M} UTC{reason}"
