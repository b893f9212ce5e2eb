"""`tens-insight serve` that notes when it asks models in shadow, for bench/serving.py.

SHADOW_TIMES=/tmp/times python -m bench.serve_with_shadow_times --port 0
"""

import os
import sys
import time
from collections.abc import Sequence
from typing import Final

from pipeline import cli
from pipeline.serving.champion import Shadow
from pipeline.serving.shadow import Shadows

TIMES: Final = "SHADOW_TIMES"
"""Names the file: of each question a line, seconds since 1970 of its begin and its end."""


def main() -> None:
    """Runs the command."""
    compare = Shadows.compare

    def timed(
        self: Shadows, shadows: Sequence[Shadow], part: Sequence[tuple[bytes, float]]
    ) -> None:
        begun = time.time()
        compare(self, shadows, part)
        with open(os.environ[TIMES], "a") as file:
            file.write(f"{begun:.6f} {time.time():.6f}\n")

    Shadows.compare = timed  # type: ignore[method-assign]
    sys.argv[1:] = ["serve", *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
