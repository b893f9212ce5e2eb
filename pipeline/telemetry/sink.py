"""What every sink has in common: how it fails, and how much an address of it may show."""

from urllib.parse import urlsplit


class SinkFailed(Exception):
    """A sink did not take what it was given; the text holds no secret and no whole address."""


def place(url: str) -> str:
    """Returns scheme, host and port of a URL: what stands before and after may be a secret."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
