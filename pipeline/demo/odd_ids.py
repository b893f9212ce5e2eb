"""Account ids as other systems make them up: any text that Postgres stores."""

from collections.abc import Callable
from typing import Final

from pipeline.demo.copy_text import account_names
from pipeline.demo.world import Accounts, World

SHAPE_STREAM: Final = 6
"""The world's random streams 0 to 5 are its own; those of what is written begin here."""
ODD_ID_SHARE: Final = 0.10
ODD_IDS: Final[tuple[Callable[[str, str], str], ...]] = (
    # The arguments are the account's plain id and that of the account before it.
    lambda own, _: f"{own}/eu",
    lambda own, _: f'{own} "Zoë & Co."',
    lambda own, _: f"{own}-O'Größe",
    lambda own, _: f"{own}-日本-😀",
    lambda own, _: f"{own}\\N\\.",
    lambda own, _: f"{own}\ttab",
    lambda own, _: f"{own}\r\nline\n",
    lambda own, _: f"{own}%2F..?#",
    lambda own, _: f"{own}-e\u0301",
    lambda _, before: before.lower(),
    lambda _, before: f"{before} ",
    lambda _, before: f" {before}",
)


def odd_account_names(world: World, accounts: Accounts) -> list[str]:
    """Returns the account ids of a block; some of every second account are odd.

    Some of those differ from the account before them by case or blanks only.
    """
    names, rng = account_names(accounts), world.stream(SHAPE_STREAM, 0, accounts.first)
    odd = rng.random(len(names)) < 2 * ODD_ID_SHARE
    kinds = rng.integers(0, len(ODD_IDS), len(names))
    for index in range(1, len(names), 2):
        if odd[index]:
            names[index] = ODD_IDS[kinds[index]](names[index], names[index - 1])
    return names
