"""Custom properties come out as they went in."""

from tfx.types import standard_artifacts

from components.registry.artifact_facts import custom_properties


def test_every_kind_of_property() -> None:
    artifact = standard_artifacts.Examples()
    assert custom_properties(artifact) == {}
    artifact.set_string_custom_property("text", "Ü, 1")
    artifact.set_int_custom_property("number", 0)
    artifact.set_float_custom_property("share", 0.25)
    facts = custom_properties(artifact)
    assert facts == {"text": "Ü, 1", "number": 0, "share": 0.25}
    kinds = {name: type(value) for name, value in facts.items()}
    assert kinds == {"text": str, "number": int, "share": float}
