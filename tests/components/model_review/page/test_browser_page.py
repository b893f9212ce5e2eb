"""Without a browser its tests are skipped, unless REQUIRE_BROWSER asks for them all."""

import pytest

from tests.components.model_review.page.browser_page import REQUIRED, started


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "/nowhere")


def test_a_skipped_test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    with (
        pytest.raises(pytest.skip.Exception, match="install Debian's package `chromium`"),
        started(),
    ):
        pass


def test_where_a_browser_is_required_its_lack_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(REQUIRED, "1")
    with (
        pytest.raises(pytest.fail.Exception, match="install Debian's package `chromium`"),
        started(),
    ):
        pass
