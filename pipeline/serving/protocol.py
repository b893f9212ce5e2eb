"""HTTP as uvicorn speaks it, with a bound on what comes before a body.

httptools keeps headers in memory for as long as they come, before anybody can ask who sends them.
"""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD: Final = 64 * 1024
"""Bytes of a request line and its headers."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection that sends more headers than anybody needs."""

    _in_head = True
    _size = 0

    def data_received(self, data: bytes) -> None:
        """Takes what came."""
        self._size += len(data)
        super().data_received(data)
        if self._in_head and self._size > MOST_HEAD:
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Begins with the body."""
        self._in_head, self._size = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Waits for the next request."""
        self._in_head, self._size = True, 0
        super().on_message_complete()
