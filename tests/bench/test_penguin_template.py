"""The penguin template as the benchmark runs it: nothing left out, rows of its schema."""

import ast
import csv
from importlib.resources import files
from pathlib import Path

import pytest

from bench.penguin_template import COLUMNS, ROWS, with_all_components, write_penguins


def installed() -> str:
    template = files("tfx") / "experimental" / "templates" / "penguin" / "pipeline" / "pipeline.py"
    return template.read_text("utf-8")


def test_all_components_of_the_installed_template_are_taken_in() -> None:
    tree = ast.parse(with_all_components(installed()))
    appended = [
        ast.unparse(call.args[0])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "components.append"
    ]
    for name in ("transform", "trainer", "model_resolver", "evaluator", "pusher"):
        assert appended.count(name) == 1
    arguments = {
        ast.unparse(call.func): {one.arg: ast.unparse(one.value) for one in call.keywords}
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
    }
    trainer = arguments["tfx.components.Trainer"]
    assert trainer["examples"] == "transform.outputs['transformed_examples']"
    assert trainer["transform_graph"] == "transform.outputs['transform_graph']"
    label = arguments["tfma.ModelSpec"]["label_key"]
    assert label == "features.transformed_name(features.LABEL_KEY)"


def test_another_template_is_refused() -> None:
    other = installed().replace("  # components.append(pusher)\n", "")
    with pytest.raises(SystemExit, match="9 nodes, expected 10"):
        with_all_components(other)


def test_rows_are_those_of_the_schema_and_the_same_each_time(tmp_path: Path) -> None:
    write_penguins(tmp_path / "one" / "data.csv")
    write_penguins(tmp_path / "two" / "data.csv")
    text = (tmp_path / "one" / "data.csv").read_text()
    assert text == (tmp_path / "two" / "data.csv").read_text()
    header, *rows = csv.reader(text.splitlines())
    assert header == ["species", *COLUMNS]
    assert len(rows) == ROWS
    assert {row[0] for row in rows} == {"0", "1", "2"}
    assert all(0 <= float(value) <= 1 for row in rows for value in row[1:])
