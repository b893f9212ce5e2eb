"""Every check of the page finds what it is there for."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.components.model_review.page import page_checks as checks
from tests.components.model_review.page.browser_page import opened

GOOD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page</title><style>
.box { overflow-x: auto }
@media print { details::details-content { content-visibility: visible; display: block } }
</style></head><body><main><h1>Page</h1><p>The decision</p><h2 id="a">Part</h2>
<a href="#a">Part</a><div class="box" tabindex="0" role="region" aria-label="Sizes"><table>
<caption>Sizes</caption><tr><th scope="col">name</th></tr><tr><td>one</td></tr></table></div>
<svg role="img" width="100" height="30"><title>A bar</title><rect width="100" height="30"
fill="#333"/><g pointer-events="none"><text x="4" y="20" fill="#fff">Bar</text></g></svg>
<details><summary>More</summary><p>Hidden words</p></details></main></body></html>"""

BREAKS: list[tuple[Callable[[Page], list[str]], str, str]] = [
    (checks.axe_violations, ' lang="en"', ""),
    (checks.axe_violations, "<p>", '<p style="color: #aaa">'),
    (checks.axe_violations, "<p>Hidden", '<p style="color: #aaa">Hidden'),
    (checks.faint_texts, 'fill="#333"', 'fill="#eee"'),
    (checks.faint_texts, 'fill="#333"', 'fill="#333" fill-opacity="0.1"'),
    (checks.faint_texts, 'fill="#fff"', 'fill="#fff" opacity="0.2"'),
    (checks.overflow, "<td>one", f"<td>{'W' * 200}</td></tr></table></div>{'W' * 200}"),
    (checks.nameless_pictures, "<title>A bar</title>", ""),
    (checks.nameless_pictures, ' role="img"', ""),
    (checks.nameless_pictures, "<p>The", '<img src="data:image/png;base64,"><p>The'),
    (checks.broken_outline, "h2", "h3"),
    (checks.broken_outline, "h2", "h1"),
    (checks.broken_outline, "<h1>Page</h1>", ""),
    (checks.bad_tables, "<caption>Sizes</caption>", ""),
    (checks.bad_tables, ' scope="col"', ""),
    (checks.bad_tables, '<th scope="col">name</th>', "<td>name</td>"),
    (checks.dead_links, 'id="a"', 'id="b"'),
    (checks.dead_links, "<p>The", '<p id="a">The'),
    (checks.active_content, "<p>The", "<script>1</script><p>The"),
    (checks.active_content, "<p>The", '<p onclick="1">The'),
    (checks.active_content, "<p>The", '<a href="javascript:1">x</a><p>The'),
]


CHECKS = sorted({check for check, _, _ in BREAKS}, key=lambda check: check.__name__)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A window of the width of a phone, with JavaScript."""
    context = browser.new_context(viewport={"width": 360, "height": 800})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_check_complains_of_a_good_page(page: Page, check: Callable[[Page], list[str]]) -> None:
    page.set_content(GOOD)
    assert check(page) == []


@pytest.mark.parametrize(("check", "old", "new"), BREAKS)
def test_a_check_finds_its_break(
    page: Page, check: Callable[[Page], list[str]], old: str, new: str
) -> None:
    assert old in GOOD
    page.set_content(GOOD.replace(old, new))
    assert check(page)


@pytest.mark.parametrize(
    ("style", "wrong"),
    [
        ("", False),
        ("details::details-content { content-visibility: hidden !important }", True),
        ("body { background: #222; color: #fff }", True),
    ],
)
def test_print_must_show_details_on_light_paper(page: Page, style: str, wrong: bool) -> None:
    page.set_content(GOOD.replace("</style>", f"{style}</style>"))
    page.emulate_media(media="print", color_scheme="dark")
    assert bool(checks.unprinted(page)) is wrong
    page.emulate_media(media="screen", color_scheme="light")


def test_the_first_screen_ends_at_the_fold(page: Page) -> None:
    page.set_content(GOOD)
    assert checks.below_the_fold(page, ["main > p"]) == []
    page.set_content(GOOD.replace("<p>The", '<p style="margin-top: 900px">The'))
    assert checks.below_the_fold(page, ["main > p"])


@pytest.fixture(scope="module")
def on_disk(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], list[str]]]:
    """Writes a page, opens it as `opened` does, and returns its problems."""
    path = tmp_path_factory.mktemp("pages") / "page.html"
    path.write_text(GOOD, encoding="utf-8")
    with opened(browser, path, java_script_enabled=True) as found:

        def problems(text: str) -> list[str]:
            path.write_text(text, encoding="utf-8")
            found.requests.clear()
            found.messages.clear()
            found.page.goto(path.as_uri())
            found.page.wait_for_timeout(50)
            return found.problems

        yield problems


def test_a_page_that_needs_nothing_asks_for_nothing(
    on_disk: Callable[[str], list[str]],
) -> None:
    assert on_disk(GOOD) == []


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="https://example.com/a.png" alt="">',
        '<img src="other.png" alt="">',
        '<link rel="stylesheet" href="https://example.com/a.css">',
        "<script>console.log('x')</script>",
        "<script>throw new Error('x')</script>",
        "<style>p { background: url('https://example.com/a.png') }</style>",
        "<style>@font-face { font-family: x; src: url(x.woff) } p { font-family: x }</style>",
    ],
)
def test_what_a_page_asks_for_or_complains_of_is_noticed(
    on_disk: Callable[[str], list[str]], markup: str
) -> None:
    assert on_disk(GOOD.replace("<main>", f"{markup}<main>"))
