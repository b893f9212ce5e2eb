"""The Dockerfile, what it is given to build from, and the lock that it installs."""

import re
import subprocess
from pathlib import Path

from tests.deploy.conftest import ROOT, applicable, locked

# The same library, without CUDA.
OTHER_NAMES = {"tensorflow-cpu": "tensorflow"}


def _instructions():
    """Name and text of each instruction, in order."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return [line.split(" ", 1) for line in text.replace("\\\n", "").splitlines() if line]


def _context():
    """The files that .dockerignore lets into a build; it may have patterns of three kinds."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    named = [line[1:] for line in patterns if line.startswith("!")]
    unwanted = {line[3:] for line in patterns if line.startswith("**/")}
    assert [line for line in patterns if not line.startswith(("!", "**/"))] == ["*"]
    places = [ROOT / name for name in named]
    found = [file for place in places for file in ([place] if place.is_file() else _below(place))]
    inside = [file.relative_to(ROOT) for file in found]
    return {str(file) for file in inside if not unwanted & set(file.parts)}


def _below(folder: Path):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_image_has_the_versions_that_the_suite_runs_on():
    tested, image = locked("tfx-1.21.txt"), locked("image.txt")
    known = {name: tested.get(OTHER_NAMES.get(name, name)) for name in image}
    assert {name for name, versions in known.items() if not versions} <= {"kfp-pipeline-spec"}
    assert {
        name: versions
        for name, versions in image.items()
        if not versions <= (known[name] or versions)
    } == {}


def test_the_image_has_what_runs_and_no_tool_of_the_tests(declared):
    image = {OTHER_NAMES.get(name, name) for name in locked("image.txt")}
    assert applicable(declared[""] + declared["kubeflow"], "3.11").keys() <= image
    tools = {name for extra in ("test", "lint", "browser") for name in _names(declared[extra])}
    assert not tools & image


def _names(requirements):
    return {one.name.lower() for one in requirements}


def test_both_stages_start_from_the_python_of_the_lock():
    makefile = (ROOT / "Makefile").read_text()
    lock = re.search(r"lock-image:\n.*\\\n\s+--python-version (\S+)", makefile)[1]
    bases = [text.split()[0] for name, text in _instructions() if name == "FROM"]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(rf"python:{re.escape(lock)}\.\d+-slim-trixie", bases[0])


def test_the_image_runs_as_a_user_by_number_and_holds_no_secret():
    steps = dict(_instructions())
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", steps["USER"])
    assert steps["ENTRYPOINT"] == '["tens-insight"]'
    assert not re.search("DATABASE_URL|PASSWORD|SECRET", (ROOT / "Dockerfile").read_text())


def test_the_build_sees_all_sources_and_nothing_else():
    command = ["git", "ls-files", "components", "pipeline", "serving_model", "transforms"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    expected = set(tracked.stdout.splitlines())
    seen = _context()
    assert expected <= seen | {name for name in expected if not (ROOT / name).exists()}
    rest = seen - expected
    assert {"requirements/image.txt", "pyproject.toml", "setup.py"} <= rest
    assert not any(name.startswith((".", "tests", "docs", "var")) for name in rest)
    assert not any("__pycache__" in name for name in seen)
