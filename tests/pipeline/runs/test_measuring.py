"""Memory of a node: what it held at its highest, and nothing of what came before."""

from pipeline.runs.measuring import start_measuring

MIB = 1024 * 1024


def test_the_peak_is_that_of_the_node_alone():
    bytearray(400 * MIB)
    measured = start_measuring()
    quiet = measured("quiet", "done")
    measured = start_measuring()
    bytearray(300 * MIB)
    busy = measured("busy", "done")
    assert quiet.peak_mib is not None
    assert busy.peak_mib is not None
    assert 250 < busy.peak_mib - quiet.peak_mib < 350


def test_name_outcome_and_seconds_are_those_of_the_node():
    cost = start_measuring()("Transform", "failed")
    assert (cost.name, cost.outcome) == ("Transform", "failed")
    assert cost.seconds is not None
    assert 0 <= cost.seconds < 1
