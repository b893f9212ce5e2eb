"""A database server for the time of a measurement."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.local_database.embedded_postgres import EmbeddedPostgres


@contextmanager
def scratch_server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Starts a server without fsync, and stops it in the end.

    Args:
        folder: Of the measurement, made if need be; what the server keeps stays there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # as root the server runs as nobody, who must pass
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()
