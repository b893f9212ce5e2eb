"""Measures recorded histories and simulated worlds, and writes docs/quality.md.

Usage: python -m bench.quality_report FOLDER ... [--rates 2 20] [--world base] [--results DIR]

Each history is measured by bench.model_quality in a process of its own. With --results the
figures are kept as JSON, and what all models say as Parquet; a run that was cut short goes on,
since figures of the very same code are not measured again. With --kept nothing is measured: the
page is written from what is kept, and says which code measured it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.fingerprint import ROOT, fingerprint
from bench.history_options import add_world, world_of
from bench.prediction_file import PARQUET
from bench.quality_page import page
from bench.quality_result import QualityResult, read_result
from bench.rate_worlds import RATE_WORLDS

PAGE = ROOT / "docs" / "quality.md"


def main(arguments: list[str] | None = None) -> int:
    """Runs the report; returns the exit code."""
    options = parse(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        kept = options.results or Path(scratch)
        kept.mkdir(parents=True, exist_ok=True)
        results, failed = [], []
        for name, words in _histories(options):
            result = _kept(kept, name) if options.kept else _result(name, words, kept)
            if result is None:
                failed.append(name)
            else:
                results.append(result)
            # After each one: a run that is cut short leaves what it measured.
            text = page(results, [*_facts(results), *_failures(failed)])
            options.page.write_text(text, encoding="utf-8")
    print(f"{len(results)} histories in {options.page}; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    summary = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(prog="bench.quality_report", description=summary)
    parser.add_argument("folders", nargs="*", type=Path, help="recorded histories")
    parser.add_argument(
        "--rates", nargs="*", default=[], choices=RATE_WORLDS, help="worlds of other base rates"
    )
    add_world(parser)
    parser.add_argument("--results", type=Path, help="folder that keeps figures and predictions")
    parser.add_argument("--kept", action="store_true", help="measure nothing, write the page")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    return parser.parse_args(arguments)


def _histories(options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Yields the name of each history and the words that name it to bench.model_quality."""
    for folder in options.folders:
        yield folder.resolve().name, [str(folder)]
    for rate in options.rates:
        yield RATE_WORLDS[rate].name, [f"--rate={rate}"]
    if options.world:
        words = [f"--{name}={getattr(options, name)}" for name in _WORLD]
        yield world_of(options).name, words


_WORLD = ("world", "accounts", "days", "seed")


def _result(name: str, words: Sequence[str], kept: Path) -> QualityResult | None:
    """Returns figures that were kept, or measures; None if that failed."""
    file = _file(kept, name)
    found = _kept(kept, name) if file.exists() else None
    if found is not None and found.origin.fingerprint == fingerprint():
        print(f"{name}: kept from before, by the same code", flush=True)
        return found
    file.unlink(missing_ok=True)
    print(f"{name}: being measured", flush=True)
    files = [f"--json={file}", f"--predictions={file.with_suffix(PARQUET)}"]
    command = [sys.executable, "-m", "bench.model_quality", *words, *files]
    subprocess.run(command, cwd=ROOT, check=False)
    return _kept(kept, name)


def _kept(kept: Path, name: str) -> QualityResult | None:
    """Returns figures that were kept; None without any, or if other code wrote them otherwise."""
    try:
        return read_result(_file(kept, name))
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _file(kept: Path, name: str) -> Path:
    return (kept / f"{name.replace(' ', '_').replace('%', 'percent')}.json").resolve()


def _facts(results: Sequence[QualityResult]) -> Iterator[str]:
    origins = [result.origin for result in results]
    for commit in dict.fromkeys(one.commit for one in origins):
        own = [result for result in results if result.origin.commit == commit]
        versions = ", ".join(dict.fromkeys(one.origin.code_version for one in own))
        names = ", ".join(one.name for one in own)
        yield f"{names}: commit {commit}; code version {versions} of reading, features and model"
    if origins:
        times, loads = ([getattr(one, key) for one in origins] for key in ("measured", "load"))
        yield f"measured {min(times)} to {max(times)} UTC"
        yield (
            f"on {os.cpu_count()} cores ({_processor()}), whose load average of 15 minutes was "
            f"{min(loads):.1f} to {max(loads):.1f}: times are longer than on an idle machine"
        )


def _failures(failed: Sequence[str]) -> Iterator[str]:
    for name in failed:
        yield f"{name} could not be measured"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "processor unknown"
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
        "processor unknown",
    )


if __name__ == "__main__":
    sys.exit(main())
