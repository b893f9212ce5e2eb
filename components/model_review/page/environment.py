"""How templates become pages: everything is escaped, nothing is undefined."""

from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from components.model_review.page import theme
from components.model_review.page.words import visible

_PACKAGE: Final = "components.model_review.page"


def page(template: str, **values: Any) -> str:
    """Writes a page.

    Args:
        template: Name of its template, which extends base.j2.
        **values: For the template.
    """
    return _environment().get_template(template).render(style=_style(), **values)


def fragment(template: str, **values: Any) -> str:
    """Writes a part of a page.

    Args:
        template: Name of its template.
        **values: For the template.
    """
    return _environment().get_template(template).render(**values)


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_PACKAGE, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_controls,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _without_controls(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    return visible(str(value))


def _style() -> Markup:
    sheet = resources.files(f"{_PACKAGE}.templates") / "page.css"
    colours = (
        f":root{{color-scheme:light dark;{theme.day()}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{theme.night()}}}}}\n"
        f"{theme.of_pictures()}\n"
    )
    return Markup(colours + sheet.read_text(encoding="utf-8"))
