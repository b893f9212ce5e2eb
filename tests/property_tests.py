"""How many cases a property test tries: all in `make test`, a quarter in `make test-fast`.

Both try the same cases each time, so that a commit is judged by what it changes. `make properties`
draws new ones, and five times as many: what it finds becomes an @example of the test.

hypothesis takes `--hypothesis-profile=fast` on the command line; a number that a test names
itself would win over the profile's, so such tests name it through `cases`.
"""

from hypothesis import settings

CASES = 100
"""Of a test that names no number."""
ALL_CASES = "all-cases"
"""The profile that is loaded where the command line names none."""

# On a busy machine a case that takes long is no failure.
settings.register_profile(ALL_CASES, deadline=None, max_examples=CASES, derandomize=True)
settings.register_profile("fast", deadline=None, max_examples=CASES // 4, derandomize=True)
settings.register_profile("random", deadline=None, max_examples=5 * CASES)


def cases(number: int) -> int:
    """Returns how many cases the loaded profile tries of `number`: as many, or a quarter."""
    return max(1, number * settings.default.max_examples // CASES)
