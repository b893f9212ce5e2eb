"""What a summary says of bands: the rule first, and whatever is out of the ordinary."""

from pipeline.runs.band_facts import band_facts


def test_the_ordinary_needs_one_line():
    assert list(band_facts({"risk_bands": "probability: ...", "has_reasons": 1})) == [
        "probability: ..."
    ]


def test_a_run_of_before_says_the_rule_alone():
    assert list(band_facts({"risk_bands": "probability: ..."})) == ["probability: ..."]


def test_everything_out_of_the_ordinary_is_said():
    said = list(
        band_facts(
            {
                "risk_bands": "capacity: ...",
                "former_risk_bands": "lift 1.5, 2.5, 4",
                "model_risk_bands": "probability",
                "divided_ties": 3,
                "has_reasons": 0,
            }
        )
    )
    assert said[0] == "capacity: ..."
    for words, line in zip(
        (
            "were by lift 1.5, 2.5, 4; the circuit breaker did not compare",
            "by the settings; when the model was trained they were by probability",
            "3 accounts of equal probabilities are in two bands",
            "no reasons in the details",
        ),
        said[1:],
        strict=True,
    ):
        assert words in line
