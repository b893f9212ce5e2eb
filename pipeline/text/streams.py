"""Standard output and error of a command, which work that is done must not fail on."""

import errno
import io
import os
import sys
from typing import Any, Final, TextIO

_STANDARD: Final = (0, 1, 2)


class Streams:
    """What became of standard output.

    Attributes:
        problem: Why output was lost; empty if none was. A reader that wants no more, such as
            `head`, loses nothing.
    """

    def __init__(self) -> None:
        self.problem = ""

    def settle(self) -> None:
        """Writes what is still held back."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError) as error:
                self.problem = self.problem or str(error)


def keep_streams() -> Streams:
    """Lets the process go on where its output is closed, or its reader is gone.

    A standard stream that the caller closed would give its number to the next file that is
    opened, such as a store, and libraries would write into that.
    """
    streams = Streams()
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    sys.stdin = sys.stdin or _text(0, "r")
    sys.stdout = _kept(sys.stdout, 1, streams)
    sys.stderr = _kept(sys.stderr, 2, streams)
    return streams


def _kept(stream: TextIO | Any, number: int, streams: Streams) -> Any:
    """Returns a stream that outlives its reader; one that is somebody else's stays as it is."""
    if stream is None:
        return _text(number, "w")
    try:
        if stream.fileno() != number:
            return stream
    except (OSError, ValueError):
        return stream
    stream.flush()
    raw = io.BufferedWriter(_Raw(number, streams))
    return io.TextIOWrapper(
        raw,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.isatty() or number == 2,
    )


def _text(number: int, mode: str) -> TextIO:
    return open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)  # type: ignore[return-value]


class _Raw(io.FileIO):
    """A descriptor that swallows what nobody takes any more, and remembers what was lost."""

    def __init__(self, number: int, streams: Streams):
        super().__init__(number, "w", closefd=False)
        self._streams = streams

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            if error.errno != errno.EPIPE and self.fileno() == 1:
                self._streams.problem = error.strerror or str(error)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # for libraries in C too
            os.close(nowhere)
            return len(content)
