"""The Dockerfile, the lock that it installs, and the replay that carries it out."""

import re
import subprocess
from pathlib import Path

import pytest
from context import context_files
from dockerfile import DockerfileRefused, read_dockerfile

ROOT = Path(__file__).parents[2]
# The same library, without CUDA.
OTHER_NAMES = {"tensorflow-cpu": "tensorflow"}


def _locked(file):
    """The versions of each package: one, or one for each version of Python."""
    text = (ROOT / "requirements" / file).read_text()
    versions = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE):
        versions.setdefault(name, set()).add(version)
    return versions


def _names(file):
    text = (ROOT / "requirements" / file).read_text()
    return {name.lower() for name in re.findall(r"^[A-Za-z][\w-]*", text, re.MULTILINE)}


def test_the_image_has_the_versions_that_the_suite_runs_on():
    tested, image = _locked("tfx-1.21.txt"), _locked("image.txt")
    known = {name: tested.get(OTHER_NAMES.get(name, name)) for name in image}
    assert {name for name, versions in known.items() if not versions} <= {"kfp-pipeline-spec"}
    assert {
        name: versions
        for name, versions in image.items()
        if not versions <= (known[name] or versions)
    } == {}


def test_the_image_has_what_runs_and_no_tool_of_the_tests():
    image = set(_locked("image.txt"))
    assert _names("common.in") <= image
    assert not _names("tests.in") & image


def test_both_stages_start_from_the_python_of_the_lock():
    makefile = (ROOT / "Makefile").read_text()
    locked = re.search(r"lock-image:\n.*\\\n\s+--python-version (\S+)", makefile)[1]
    bases = {stage.base for stage in read_dockerfile(ROOT / "Dockerfile")}
    assert len(bases) == 1
    assert re.fullmatch(rf"python:{re.escape(locked)}\.\d+-slim-trixie", bases.pop())


def test_the_image_runs_as_a_user_by_number_and_holds_no_secret():
    *_, last = read_dockerfile(ROOT / "Dockerfile")
    steps = {step.name: step.text for step in last.instructions}
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", steps["USER"])
    assert steps["ENTRYPOINT"] == '["tens-insight"]'
    assert not re.search("DATABASE_URL|PASSWORD|SECRET", (ROOT / "Dockerfile").read_text())


def test_the_build_sees_all_sources_and_nothing_else():
    command = ["git", "ls-files", "components", "pipeline", "serving_model", "transforms"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    expected = set(tracked.stdout.splitlines())
    seen = {str(path) for path in context_files()}
    assert expected <= seen | {name for name in expected if not (ROOT / name).exists()}
    rest = seen - expected
    assert {"requirements/image.txt", "pyproject.toml", "setup.py"} <= rest
    assert not any(name.startswith((".", "tests", "docs", "var")) for name in rest)


def test_an_ignored_file_stays_out(tmp_path):
    (tmp_path / ".dockerignore").write_text("# why\n*\n!kept\n**/__pycache__\n")
    for name in ("kept/a.py", "kept/__pycache__/a.pyc", ".env", "other/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert context_files(tmp_path) == [Path("kept/a.py")]


@pytest.mark.parametrize("line", ["ADD a b", "COPY --chmod=755 a b", "ARG X", "RUN --mount=x y"])
def test_an_instruction_that_is_not_replayed_is_refused(tmp_path, line):
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\n{line}\n")
    with pytest.raises(DockerfileRefused, match=r"is not replayed"):
        read_dockerfile(tmp_path / "Dockerfile")


def test_an_instruction_before_the_first_stage_is_refused(tmp_path):
    (tmp_path / "Dockerfile").write_text("RUN true\n")
    with pytest.raises(DockerfileRefused, match="before the first FROM"):
        read_dockerfile(tmp_path / "Dockerfile")


def test_lines_comments_and_options_are_read(tmp_path):
    text = (
        "# why\nFROM a AS one\nRUN x \\\n    # because\n    && y\nFROM b\nCOPY --from=one /p /q\n"
    )
    (tmp_path / "Dockerfile").write_text(text + 'ENV A=1 \\\n    B="two words"\n')
    one, last = read_dockerfile(tmp_path / "Dockerfile")
    assert (one.name, one.base, last.name) == ("one", "a", "")
    assert one.instructions[0].text == "x && y"
    assert last.instructions[0].options == {"from": "one"}
    assert last.instructions[1].pairs == {"A": "1", "B": "two words"}
