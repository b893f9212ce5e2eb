"""A backup of database and state directory, restored elsewhere; and a state directory elsewhere.

The world is the smallest that the gate lets through: what is tested is what belongs together.
"""

import contextlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import ml_metadata
import pytest

from components.postgres.queries import queries
from pipeline.local_database.postgres_install import programs_in, wheel_packages
from pipeline.registry.metadata_store import connection_config
from tests.contract.conftest import execute
from tests.end_to_end.conftest import SMALLEST_BLESSED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]


@contextlib.contextmanager
def hidden(folder):
    """Lets nothing of a folder be found for the length of the block."""
    aside = folder.with_name(f"{folder.name}-hidden")
    folder.rename(aside)
    try:
        yield aside
    finally:
        aside.rename(folder)


@contextlib.contextmanager
def database_of(server, template=None):
    name = server.create_database(template)
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


def copy_by_backup(source, target, folder):
    """Does what docs/state.md says, with the programs of the embedded server."""
    programs, dump = programs_in(wheel_packages()), folder / "goinsight.dump"
    backup = [programs / "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={source}"]
    subprocess.run(backup, check=True)
    # A server that is older than the program does not know all settings, and says so.
    subprocess.run([programs / "pg_restore", f"--dbname={target}", dump], check=False)


@pytest.fixture(scope="module")
def restored(postgres_server, installation, scored, tmp_path_factory):
    """Database and state directory of a backup, in another place; the old ones cannot be found."""
    folder = tmp_path_factory.mktemp("restored")
    state = folder / "state"
    shutil.copytree(installation.state_dir, state, copy_function=shutil.copy2)
    with database_of(postgres_server) as url, hidden(installation.state_dir):
        copy_by_backup(installation.admin_url, url, folder)
        yield replace(installation, url=url, admin_url=url, state_dir=state)


def test_what_a_run_left_is_for_its_user_alone(installation, scored):
    state = installation.state_dir
    found = [path for path in state.rglob("*") if path.lstat().st_mode & 0o077]
    assert found == []
    assert len(list(state.rglob("*"))) > 100


def test_commands_that_read_find_what_lies_elsewhere_now(restored):
    (model,) = [
        one for one in restored.run("models", "list", "--json").summary["models"] if one["champion"]
    ]
    shown = restored.run("models", "show", model["version"], "--json").summary
    assert shown["exported"]["found"] == "as recorded"
    assert shown["examples_present"]
    assert Path(shown["decision_file"]).is_relative_to(restored.state_dir)
    report = restored.run("report", "--json")
    assert report.code == 0, report.err
    compared = restored.run("models", "compare", model["version"], model["version"], "--json")
    assert compared.summary["not_compared"] == ""
    checked = restored.run("db", "check", "--json", **SMALLEST_BLESSED)
    assert checked.code == 0, checked.out
    told = restored.run("status", "--json")
    assert told.code == 0, told.err
    status = told.summary
    assert status["champion_uri"].startswith(str(restored.state_dir))
    assert status["note"] == ""


def test_a_model_scores_no_database_but_its_own(restored, postgres_server, migrated_template):
    with database_of(postgres_server, migrated_template) as url:
        execute(url, queries("pipeline.demo")["create_inputs"])
        # Its own identity: the template has one, as a copy of it would.
        execute(url, "UPDATE tens_insight.database_identity SET id = gen_random_uuid()")
        other = replace(restored, url=url, admin_url=url)
        before = (restored.state_dir / "metadata.sqlite").read_bytes()
        for kind in ("score", "train", "tune"):
            refused = other.run("run", kind, **SMALLEST_BLESSED)
            assert refused.code == 6
            assert "belong to the database" in refused.err
            assert "--adopt" in refused.err
            assert "Loading TFX" not in refused.err
        assert (restored.state_dir / "metadata.sqlite").read_bytes() == before
        checked = other.run("db", "check", "--json")
        assert "OtherDatabase" in {one["error"] for one in checked.summary["findings"]}
        for command in (("status",), ("models", "list")):
            told = other.run(*command, "--json")
            assert told.code == 0, told.err
            assert "runs are refused" in told.summary["note"]
        adopted = other.run("db", "adopt")
        assert "belonged to the database" in adopted.out
        assert other.run("run", "score", **SMALLEST_BLESSED).code == 4, "there is no feedback in it"
        assert restored.run("run", "score", **SMALLEST_BLESSED).code == 6


def test_a_run_goes_on_where_database_and_state_were_restored(restored):
    """Without what may be deleted by hand: logs, and the artifacts of scoring runs.

    As the test before left it the models belong to another database, and are adopted.
    """
    shutil.rmtree(restored.state_dir / "logs")
    for artifact in (restored.state_dir / "pipeline_root" / "tens-insight-score").glob("*/*/*"):
        shutil.rmtree(artifact)
    scored = restored.run("run", "score", "--adopt", "--json", **SMALLEST_BLESSED)
    assert scored.code == 0, scored.err
    assert "belonged to the database" in scored.err
    assert f"state        {restored.state_dir}, as set" in scored.out
    assert scored.summary["model_uri"].startswith(str(restored.state_dir))
    store = ml_metadata.MetadataStore(connection_config(restored.state_dir / "metadata.sqlite"))
    outside = [
        one.uri
        for one in store.get_artifacts()
        if one.uri and not one.uri.startswith(f"{restored.state_dir}/")
    ]
    assert outside == []
