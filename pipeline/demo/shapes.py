"""What of a simulated world is written, and how: plainly, or as real deployments have it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from pipeline.demo.copy_text import FeedbackColumns, account_names, feedback_columns
from pipeline.demo.goinsight_shape import Reseller, goinsight_rows, odd_account_names
from pipeline.demo.world import Block, World, draw_blocks

PLAIN: Final = "plain"
GOINSIGHT: Final = "goinsight"
SHAPES: Final = (PLAIN, GOINSIGHT)


class ShapedBlock(NamedTuple):
    """Some accounts of a world, their ids, and the rows of feedback to write."""

    block: Block
    names: list[str]
    rows: FeedbackColumns


def shaped_blocks(world: World, shape: str) -> Iterator[ShapedBlock]:
    """Yields a world in blocks as it is to be written; memory is bounded by one.

    Args:
        world: What happens; the shape changes nothing in it.
        shape: plain or goinsight.
    """
    reseller: Reseller | None = None
    for block in draw_blocks(world):
        if shape == PLAIN:
            names = account_names(block.accounts)
            yield ShapedBlock(block, names, feedback_columns(block, names))
            continue
        names = odd_account_names(world, block.accounts)
        reseller = reseller or Reseller.among(world, block, names)
        rows = feedback_columns(block, names)
        yield ShapedBlock(block, names, goinsight_rows(world, block, rows, reseller))
