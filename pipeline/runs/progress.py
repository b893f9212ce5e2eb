"""Shows how far a run is: live on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from pipeline.text.terminal import console as console_of
from pipeline.text.terminal import escape_controls


class Progress:
    """Names the step at work and how long each one took, on standard error.

    The console respects NO_COLOR and knows whether there is a terminal.
    """

    def __init__(self, console: Console | None = None):
        self._console = console or console_of(stderr=True)
        self._status: Status | None = None
        self._step = ""
        self._began = 0.0

    def start(self, step: str) -> None:
        """Begins a step; one that is at work still has failed."""
        self.abandon()
        self._step, self._began = step, time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status(step)
            self._status.start()

    def update(self, text: str) -> None:
        """Says more about the step, where there is a terminal."""
        if self._status is not None:
            self._status.update(f"{self._step}: {text}")

    def tell(self, text: str) -> None:
        """Prints a line about what is no step, such as that the run waits."""
        self._console.print(f"  {escape_controls(text)}", markup=False, soft_wrap=True)

    def finish(self) -> None:
        """Ends the step and prints its line."""
        self._stop_status()
        took = time.monotonic() - self._began
        self._console.print(f"  {self._step:<28} {took:6.1f} s")
        self._step = ""

    def abandon(self) -> None:
        """Ends a step that failed, if one is at work."""
        self._stop_status()
        if self._step:
            self._console.print(f"  {self._step:<28} stopped")
            self._step = ""

    def _stop_status(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Shows a step, such as a node of a pipeline, for as long as the block runs."""
        self.start(name)
        try:
            yield
        except BaseException:
            self.abandon()
            raise
        self.finish()
