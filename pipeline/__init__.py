"""What runs, and how it is started: settings, pipelines, runners, command line.

The names here are the public API for notebooks and schedulers, see docs/api.md. Importing the
package imports none of them: TFX and TensorFlow are loaded when a run begins.
"""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from components.errors import TensInsightError
    from pipeline.api import Publication, RunResult, last_publication, score, train
    from pipeline.settings import ConfigurationInvalid, Settings, load_settings

__all__ = [
    "ConfigurationInvalid",
    "Publication",
    "RunResult",
    "Settings",
    "TensInsightError",
    "last_publication",
    "load_settings",
    "score",
    "train",
]

_HOMES: Final = {
    "TensInsightError": "components.errors",
    "ConfigurationInvalid": "pipeline.settings",
    "Settings": "pipeline.settings",
    "load_settings": "pipeline.settings",
}


def __getattr__(name: str) -> Any:
    """Imports a name of the public API when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_HOMES.get(name, "pipeline.api")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
