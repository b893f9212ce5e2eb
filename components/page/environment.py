"""How templates become pages: everything is escaped, nothing is undefined."""

from functools import cache
from importlib import resources
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from components.page import theme
from components.page.words import visible

_PACKAGE: Final = "components.page"


def page(package: str, template: str, *, sheet: str = "", **values: Any) -> str:
    """Writes a page.

    Args:
        package: In whose folder `templates` the template is.
        template: Name of its template, which extends base.j2.
        sheet: Name of a style sheet beside it, which follows that of all pages.
        **values: For the template.
    """
    style = _style() + (_sheet(package, sheet) if sheet else "")
    return _environment(package).get_template(template).render(style=style, **values)


def fragment(package: str, template: str, **values: Any) -> str:
    """Writes a part of a page.

    Args:
        package: In whose folder `templates` the template is.
        template: Name of its template.
        **values: For the template.
    """
    return _environment(package).get_template(template).render(**values)


@cache
def _environment(package: str) -> Environment:
    own, shared = (PackageLoader(one, "templates") for one in (package, _PACKAGE))
    return Environment(
        loader=ChoiceLoader([own, shared]),
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


@cache
def _style() -> Markup:
    colours = (
        f":root{{color-scheme:light dark;{theme.day()}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{theme.night()}}}}}\n"
        f"{theme.of_pictures()}\n"
    )
    return Markup(colours) + _sheet(_PACKAGE, "page.css")


@cache
def _sheet(package: str, name: str) -> Markup:
    sheet = resources.files(f"{package}.templates") / name
    return Markup(sheet.read_text(encoding="utf-8"))
