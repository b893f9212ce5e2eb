"""The verdicts that the data gate and the model gate share."""

from typing import Final

PASSED: Final = "passed"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"
