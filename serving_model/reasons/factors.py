"""Log-odds as a person reads them: a factor on the odds."""

import math
from typing import Final

_LARGEST_EXPONENT: Final = 700.0
"""Beyond it a float64 is infinite."""


def factor(log_odds: float) -> str:
    """Returns what a contribution multiplies the odds of churn by: "×1.9", "×0.83", "×12".

    Args:
        log_odds: The contribution; 0 is "×1".
    """
    value = math.exp(max(min(log_odds, _LARGEST_EXPONENT), -_LARGEST_EXPONENT))
    if value >= 1e6 or value < 1e-3:
        return f"×{value:.1e}"
    if value >= 9.95:
        return f"×{value:.0f}"
    if value == 1.0:
        return "×1"
    digits = 1 if value >= 1.095 else 2 if value >= 0.095 else 4
    return f"×{value:.{digits}f}"
