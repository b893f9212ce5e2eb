"""The place to sign, and what it holds once somebody has."""

import pytest

from components.model_review.page.signature import BEGIN, END, Signature, signed
from tests.components.model_review import sample_reviews as samples
from tests.components.model_review.page.reading import elements, page_of

pytestmark = pytest.mark.xdist_group(name="pages")

ANN = Signature("approved", "Ann <b>Lee</b> (ann@host)", "2026-06-01 00:00 UTC", "Fine & good")


@pytest.mark.parametrize(
    ("make", "asks", "said"),
    [
        (samples.blessed, True, "--approve --by"),
        (samples.not_blessed, False, "This model cannot be approved: it is not blessed."),
        (samples.stopped, False, "The run trained no model"),
        (samples.failed, False, "The run trained no model"),
    ],
)
def test_only_a_blessed_model_can_be_approved(make, asks, said):
    page = page_of(make)
    assert ("if I approve?" in page) == asks
    assert any(said in one.text for one in elements(page) if one.tag == "p")
    assert page.count(BEGIN) == page.count(END) == 1


def test_signatures_replace_those_that_were_there():
    page = page_of(samples.blessed)
    once = signed(page, [ANN])
    assert "Ann &lt;b&gt;Lee&lt;/b&gt;" in once
    assert "Fine &amp; good" in once
    twice = signed(once, [ANN, Signature("rejected", "Bo", "2026-06-02 00:00 UTC", "Worse")])
    assert twice.count("Ann &lt;b&gt;") == 1
    assert twice.index("approved") < twice.index("rejected")
    assert signed(twice, []) == page
    with pytest.raises(ValueError, match="no place"):
        signed("<html></html>", [ANN])
