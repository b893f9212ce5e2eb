"""Weights of the signals of a rule: one for each signal, 0 or more, of sum 1."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from typing_extensions import Self

SUM_TOLERANCE: Final = 1e-9


@dataclass(frozen=True)
class SignalWeights:
    """How much each signal counts; a subclass has a field for each signal of its rule.

    Raises:
        ValueError: A weight is negative or no number, or their sum is not 1 within 1e-9.
    """

    def __post_init__(self) -> None:
        weights = self.as_dict()
        broken = {name: value for name, value in weights.items() if not _is_weight(value)}
        if broken:
            raise ValueError(f"weights must be numbers >= 0, not {listed(broken)}")
        total = math.fsum(weights.values())
        if abs(total - 1) > SUM_TOLERANCE:
            raise ValueError(f"weights must sum to 1, but {listed(weights)} sum to {total:.12g}")

    @classmethod
    def signals(cls) -> tuple[str, ...]:
        """Returns the names of the signals."""
        return tuple(field.name for field in fields(cls))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, float]) -> Self:
        """Builds a full set.

        Raises:
            ValueError: A signal is unknown or missing, or as for the class.
        """
        cls.refuse_unknown(mapping)
        missing = [name for name in cls.signals() if name not in mapping]
        if missing:
            raise ValueError(
                f"weights must name every signal, but {', '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} missing"
            )
        return cls(**mapping)

    @classmethod
    def refuse_unknown(cls, mapping: Mapping[str, float]) -> None:
        """Refuses names of no signal.

        Raises:
            ValueError: There are some.
        """
        unknown = [name for name in mapping if name not in cls.signals()]
        if unknown:
            raise ValueError(
                f"there is no signal {', '.join(map(repr, unknown))}; the signals are "
                f"{', '.join(cls.signals())}"
            )

    def as_dict(self) -> dict[str, float]:
        """Returns the weights by signal."""
        return asdict(self)

    def exact(self) -> dict[str, str]:
        """Returns the weights above 0 to the last bit, by signal: what a version is made of."""
        return exact_numbers({name: value for name, value in self.as_dict().items() if value})


def exact_numbers(numbers: Mapping[str, float]) -> dict[str, str]:
    """Returns numbers to the last bit."""
    return {name: float(value).hex() for name, value in numbers.items()}


def short_hash(exact: Mapping[str, Any]) -> str:
    """Returns 8 hexadecimal digits of plain values: equal ones have equal digits."""
    return hashlib.sha256(json.dumps(exact, sort_keys=True).encode()).hexdigest()[:8]


def listed(weights: Mapping[str, float]) -> str:
    """Returns weights as a text for messages."""
    return ", ".join(f"{name}={value!r}" for name, value in weights.items())


def _is_weight(value: object) -> bool:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return numeric and math.isfinite(value) and value >= 0  # type: ignore[arg-type, operator]
