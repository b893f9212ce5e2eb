"""How many random cases a property test tries: all in `make test`, a quarter in `make test-fast`.

hypothesis takes `--hypothesis-profile=fast` on the command line; a number that a test names
itself would win over the profile's, so such tests name it through `cases`.
"""

from hypothesis import settings

CASES = 100
"""Of a test that names no number."""
ALL_CASES = "all-cases"
"""The profile that is loaded where the command line names none."""

# On a busy machine a case that takes long is no failure.
settings.register_profile(ALL_CASES, deadline=None, max_examples=CASES)
settings.register_profile("fast", deadline=None, max_examples=CASES // 4)


def cases(number: int) -> int:
    """Returns how many cases the loaded profile tries of `number`: as many, or a quarter."""
    return max(1, number * settings.default.max_examples // CASES)
