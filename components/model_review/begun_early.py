"""What ModelReview begins while Evaluator measures."""

from collections.abc import Iterator
from typing import Any

from components.ahead import Piece
from components.model_trainer.trained_run import TrainedRun


def begun_early(made: Any) -> Iterator[Piece]:
    """Yields the start of what draws pictures: half a second before the first one of a process."""
    if isinstance(made, TrainedRun):
        yield "pictures", start_drawing


def start_drawing() -> str:
    """Draws a picture of nothing, and returns it: all others follow at once."""
    # Here: other runs draw none.
    import altair as alt

    from components.page.picture import picture

    return picture(alt.Chart(alt.Data(values=[])).mark_point(), "nothing", height=10)
