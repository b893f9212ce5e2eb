"""Measures recorded histories and a simulated world, and writes docs/quality.md.

Usage: python -m bench.quality_report FOLDER ... [--world base] [--results DIR] [--page FILE]

Each history is measured by bench.model_quality in a process of its own. With --results the
figures are kept as JSON, and those of the very same code are not measured again.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

from bench.fingerprint import ROOT, commit, fingerprint
from bench.history_options import add_world, world_of
from bench.quality_page import page
from bench.quality_result import QualityResult, read_result
from pipeline.code_version import code_version

PAGE = ROOT / "docs" / "quality.md"


def main(arguments: list[str] | None = None) -> int:
    """Runs the report; returns the exit code."""
    options = parse(arguments)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        kept = options.results or Path(scratch)
        kept.mkdir(parents=True, exist_ok=True)
        results, failed = [], []
        for name, words in _histories(options):
            result = _result(name, words, kept)
            if result is None:
                failed.append(name)
            else:
                results.append(result)
            # After each one: a run that is cut short leaves what it measured.
            text = page(results, [*_facts(load), *_failures(failed)])
            options.page.write_text(text, encoding="utf-8")
    print(f"{len(results)} histories in {options.page}; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    summary = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(prog="bench.quality_report", description=summary)
    parser.add_argument("folders", nargs="*", type=Path, help="recorded histories")
    add_world(parser)
    parser.add_argument("--results", type=Path, help="folder that keeps the figures as JSON")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    return parser.parse_args(arguments)


def _histories(options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Yields the name of each history and the words that name it to bench.model_quality."""
    for folder in options.folders:
        yield folder.resolve().name, [str(folder)]
    if options.world:
        words = [f"--{name}={getattr(options, name)}" for name in _WORLD]
        yield world_of(options).name, words


_WORLD = ("world", "accounts", "days", "seed")


def _result(name: str, words: Sequence[str], kept: Path) -> QualityResult | None:
    """Returns figures that were kept, or measures; None if that failed."""
    file = kept / f"{name.replace(' ', '_')}.json"
    if file.exists() and read_result(file).fingerprint == fingerprint():
        print(f"{name}: kept from before, by the same code", flush=True)
        return read_result(file)
    file.unlink(missing_ok=True)
    print(f"{name}: being measured", flush=True)
    command = [sys.executable, "-m", "bench.model_quality", *words, f"--json={file}"]
    subprocess.run(command, cwd=ROOT, check=False)
    return read_result(file) if file.exists() else None


def _facts(load: float) -> Iterator[str]:
    yield f"commit {commit()}; code version {code_version()} of reading, features and model"
    yield f"measured {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    yield (
        f"on {os.cpu_count()} cores ({_processor()}); the load average was {load:.1f} before it "
        f"began and {os.getloadavg()[0]:.1f} at its end: times are longer than on an idle machine "
        "where other work went on"
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
