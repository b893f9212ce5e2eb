"""A real browser for the tests of the page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.components.model_review.page.browser_page import started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; for a module only, since meanwhile no test can run an asyncio loop of its own."""
    with started() as found:
        yield found
