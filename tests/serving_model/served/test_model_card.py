"""The card beside a model survives the trip, and its absence is explained."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_model.served.model_card import CARD, read_card, write_card

VALUES = st.one_of(
    st.text(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
)


@given(card=st.dictionaries(st.text(), VALUES))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, card: dict) -> None:
    directory = str(tmp_path_factory.mktemp("model"))
    write_card(directory + "/", card)
    assert read_card(directory) == card


def test_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_card(str(tmp_path), {"auc": float("nan")})


@pytest.mark.parametrize(("text", "message"), [("{", "not valid JSON"), ("[1]", "holds list")])
def test_a_broken_card_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / CARD).parent.mkdir()
    (tmp_path / CARD).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_card(str(tmp_path))
