"""The evaluation report of a model, as the run wrote it."""

from pathlib import Path
from typing import Final

from components.registry.artifact_names import REVIEW_HTML
from pipeline.pages.page import HTML, NotThere, Page, View, Whole
from pipeline.registry.registry import Registry

_MOST: Final = 32 * 2**20
"""Bytes of a report."""


def _build(view: View) -> Whole:
    """Sends the newest report of a model whose version is asked for in full.

    The version chooses among what is registered, and never becomes part of a path.
    """
    version = view.query.get("version")
    reviews = Registry(view.settings.metadata_path).reviews()
    found = next((one for one in reviews if one.properties.model_version == version), None)
    if not version or found is None:
        raise NotThere(
            "No evaluation report of this model is registered: every training run that comes to a "
            "model writes one."
        )
    return Whole(_content(found.uri), HTML)


def _content(uri: str) -> bytes:
    if "://" in uri:
        raise NotThere(f"The report lies in {uri}, which this server does not read.")
    path = Path(uri, REVIEW_HTML)
    try:
        # A link would lead out of the folder of the artifact.
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST:
            raise OSError
        return path.read_bytes()
    except OSError:
        raise NotThere(
            "The report is registered, but its file is gone or is no report. A copy lies in "
            "TENS_INSIGHT_REVIEW_DIR, if that was set; `tens-insight run train` writes a new one."
        ) from None


PAGE: Final = Page("/pages/report", "", _build)
