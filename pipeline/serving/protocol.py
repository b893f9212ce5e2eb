"""HTTP as uvicorn speaks it, with bounds on what comes before anybody can ask who sends it.

httptools keeps headers in memory for as long as they come, and uvicorn waits forever for the end of
a request that has begun: some hundred clients that send a letter a minute would leave no connection
to others.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD: Final = 64 * 1024
"""Bytes of a request line and its headers."""
HEAD_S: Final = 20.0
"""Seconds until they are there; also of a connection that is new."""
LINGER_S: Final = 10.0
"""Seconds for which a body may go on that was answered before its end, such as a refused one."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection that sends more headers than anybody needs, or too slowly."""

    _in_head = True
    _size = 0
    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begins to wait for a request."""
        super().connection_made(transport)
        self._give_up_after(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends."""
        self._go_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes what came."""
        self._size += len(data)
        super().data_received(data)
        if self._in_head and self._size > MOST_HEAD:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begins with the headers."""
        super().on_message_begin()
        self._give_up_after(HEAD_S)

    def on_headers_complete(self) -> None:
        """Begins with the body."""
        self._in_head, self._size = False, 0
        self._go_on()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Waits for the next request."""
        self._in_head, self._size = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Waits for it, or for the end of a body that was not waited for."""
        unread = not self.pipeline and self.cycle is not None and self.cycle.more_body
        super().on_response_complete()
        if unread:
            self._give_up_after(LINGER_S)

    def _give_up_after(self, seconds: float) -> None:
        self._go_on()
        self._giving_up = self.loop.call_later(seconds, self.transport.abort)

    def _go_on(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
