"""The command line's words for a history: a folder, or a world to simulate."""

import argparse
from pathlib import Path

from bench.history_folder import read_folder
from bench.rate_worlds import RATE_WORLDS
from bench.simulated_history import SimulatedHistory
from bench.trained_history import History
from pipeline.demo.world_model import SCENARIOS


def add_history(parser: argparse.ArgumentParser) -> None:
    """Adds the options that `history_of` reads."""
    parser.add_argument("folder", nargs="?", type=Path, help="a recorded history")
    parser.add_argument("--rate", choices=RATE_WORLDS, help="simulate the world of this base rate")
    add_world(parser)


def add_world(parser: argparse.ArgumentParser) -> None:
    """Adds the options that describe a simulated world."""
    parser.add_argument("--world", choices=SCENARIOS, help="simulate this one")
    parser.add_argument("--accounts", type=int, default=30_000, help="of the world")
    parser.add_argument("--days", type=int, default=672, help="of the world")
    parser.add_argument("--seed", type=int, default=1, help="of the world")


def history_of(options: argparse.Namespace) -> History:
    """Returns what the command line names.

    Raises:
        SystemExit: It names none, or several.
    """
    if sum(one is not None for one in (options.folder, options.world, options.rate)) != 1:
        raise SystemExit(
            "Name one history: the folder of a recorded one, or a --world or --rate to simulate."
        )
    if options.folder is not None:
        return read_folder(options.folder)
    return RATE_WORLDS[options.rate] if options.rate else world_of(options)


def world_of(options: argparse.Namespace) -> SimulatedHistory:
    """Returns the simulated world that the command line describes."""
    return SimulatedHistory(options.world, options.accounts, options.days, options.seed)
