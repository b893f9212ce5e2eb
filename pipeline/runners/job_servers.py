"""The servers that Beam starts for a run."""

import sys
from typing import Final

_MODULE: Final = "apache_beam.utils.subprocess_server"


def end_job_servers() -> None:
    """Ends the processes that Beam started for this one: a job server for each divided stage.

    Beam ends them when the interpreter ends, which a command that loaded TensorFlow leaves out. It
    has no function for that: this is what its own does for one of them.
    """
    if (module := sys.modules.get(_MODULE)) is None:
        return
    started = module.SubprocessServer._cache
    for owner in list(started._live_owners):
        started.purge(owner)
