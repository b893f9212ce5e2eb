"""What a summary says of bands: the rule first, and whatever is out of the ordinary."""

from pipeline.text.summary import band_notes
from tests.components.sample_properties import scores_properties


def test_the_ordinary_needs_one_line():
    assert list(band_notes(scores_properties(risk_bands="probability: ..."))) == [
        "probability: ..."
    ]


def test_everything_out_of_the_ordinary_is_said():
    published = scores_properties(
        risk_bands="capacity: ...",
        former_risk_bands="lift 1.5, 2.5, 4",
        model_risk_bands="probability",
        divided_ties=3,
    )
    said = list(band_notes(published))
    assert said[0] == "capacity: ..."
    for words, line in zip(
        (
            "were by lift 1.5, 2.5, 4; the circuit breaker did not compare",
            "by the settings; when the model was trained they were by probability",
            "3 accounts of equal probabilities are in two bands",
        ),
        said[1:],
        strict=True,
    ):
        assert words in line
