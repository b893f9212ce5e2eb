import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import psycopg2
import pytest

from pipeline.cli import _COMMANDS, cli, run_cli
from pipeline.commands.parts import MOMENT
from pipeline.commands.simulate import SCENARIOS, SHAPES
from pipeline.demo import simulate, world_model
from pipeline.exit_codes import MEANINGS
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.settings import load_settings
from tests.environment import unset_settings

ROOT = Path(__file__).parents[2]
NOWHERE = "postgresql://ann@127.0.0.1:1/none"
PROGRAM = Path(sys.executable).with_name("tens-insight")


def _commands(command=cli, path=()):
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        found = command.get_command(None, name)
        yield (*path, name), found
        yield from _commands(found, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in _commands()], ids=" ".join)
def test_every_command_has_help_and_stands_in_the_readme(path, capsys):
    assert run_cli([*path, "--help"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 3
    assert " ".join(path) in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("path", [(), *(path for path, _ in _commands())], ids=" ".join)
def test_help_has_examples_that_fit_and_exist(path, capsys):
    assert run_cli([*path, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "\\b" not in "".join(lines)
    assert max(map(len, lines)) <= 80
    lines = [line.strip() for line in lines]
    shown = lines[lines.index("Examples:") + 1 :]
    assert shown
    known = dict(_commands())
    for line in shown:
        words = shlex.split(line[line.index("tens-insight") :].rstrip(")"))[1:]
        named = max((one for one in known if tuple(words[: len(one)]) == one), key=len, default=())
        assert named or words[0] == "COMMAND", line
        options = {one for param in getattr(known.get(named), "params", ()) for one in param.opts}
        assert {
            word for word in words if word.startswith("--") and word != "--dbname=goinsight"
        } <= options | {"--help"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["statsu"], "status"),
        (["Run"], "run"),
        (["models", "lst"], "list"),
        (["publications", "und"], "undo"),
        (["db", "chek"], "check"),
    ],
)
def test_an_unknown_command_gets_a_suggestion(typed, meant, capsys):
    assert run_cli([*typed, "--json"]) == 2
    captured = capsys.readouterr()
    assert f"No such command '{typed[-1]}'. Did you mean {meant}" in captured.err
    assert json.loads(captured.out)["exit"] == 2


def test_a_command_cannot_steer_the_terminal(capsys):
    assert run_cli(["\x1b[31mstatus"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_what_explain_config_prints_can_be_pasted_back(capsys, monkeypatch, tmp_path):
    values = {
        "SEED": "77",
        "ENTERPRISE_SEGMENTS": '["it\'s big", "$HOME"]',
        "AS_OF": "2026-06-01T02:00:00+02:00",
        "STATE_DIR": str(tmp_path / "with a blank"),
        "REVIEW_ACCOUNTS": "false",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"TENS_INSIGHT_{name}", value)
    before = load_settings()
    for arguments, most in (["explain-config"], 200), (["explain-config", "--changed"], 5):
        assert run_cli(arguments) == 0
        script = f"set -a\n{capsys.readouterr().out}\nenv -0"
        told = subprocess.run(
            ["bash", "-c", script],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            check=True,
        )
        lines = told.stdout.decode().split("\0")
        pasted = dict(one.split("=", 1) for one in lines if one.startswith("TENS_INSIGHT_"))
        assert len(pasted) <= most
        with monkeypatch.context() as again:
            unset_settings(again)
            for name, value in pasted.items():
                again.setenv(name, value)
            after = load_settings()
        assert replace(after, explicit=frozenset()) == replace(before, explicit=frozenset())


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TENS_INSIGHT_SEED", "77\r", "TENS_INSIGHT_SEED ends with a carriage return"),
        ("TENS_INSIGHT_STATE_DIR", " ", "(TENS_INSIGHT_STATE_DIR) is ' ': expected no blank"),
        ("TENS_INSIGHT_CHURN_TABLE", "account_churn\t", "expected no blank, tab or line end"),
        ("DATABASE_URL", "postgresql://ann@db/x\r", "DATABASE_URL begins or ends with a carriage"),
        ("DATABASE_URL", "mysql://ann:tiger-7@db/x", "DATABASE_URL starts with mysql://"),
        ("PGPORT", "abc", "wrong in itself"),
    ],
)
def test_a_wrong_variable_is_invalid_configuration(variable, value, said, capsys, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("PG", "DATABASE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv(variable, value)
    for command in (["status"], ["db", "check"], ["run", "score"]):
        assert run_cli([*command, "--json"]) == 6
        captured = capsys.readouterr()
        assert said in captured.err
        assert "tiger-7" not in captured.err + captured.out
        assert json.loads(captured.out.splitlines()[-1])["exit"] == 6


@pytest.mark.parametrize("folder", [" ", "var ", "\tvar", "var\r"])
def test_a_refused_state_directory_is_not_made(folder, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", folder)
    assert run_cli(["run", "score"]) == 6
    assert "TENS_INSIGHT_STATE_DIR" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("variable", ["PGHOSTADDR", "PGPASSFILE", "PGSERVICEFILE", "PGSERVICE"])
def test_whoever_names_a_database_never_gets_the_demo(variable, capsys, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("PG", "DATABASE"))]:
        monkeypatch.delenv(name)
    started = []
    monkeypatch.setattr(EmbeddedPostgres, "exists", lambda self: True)
    monkeypatch.setattr(EmbeddedPostgres, "start", lambda self: started.append(1) or NOWHERE)
    monkeypatch.setenv(variable, "127.0.0.1")
    assert run_cli(["status"]) in (5, 6)
    assert not started
    monkeypatch.delenv(variable)
    monkeypatch.setenv("DATABASE_URL", "")
    assert run_cli(["status"]) == 5
    assert started
    assert "DATABASE_URL is set, but no database is named: the embedded" in capsys.readouterr().err


def test_no_runs_are_shown_where_none_are_asked_for(
    migrated_database, capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    assert run_cli(["status", "--runs", "0"]) == 0
    assert "no runs yet" not in capsys.readouterr().out
    assert run_cli(["status", "--runs", "-1"]) == 2


def test_the_readme_lists_every_exit_code():
    readme = (ROOT / "README.md").read_text()
    for code, meaning in MEANINGS.items():
        assert re.search(rf"^\| {code} \| {re.escape(meaning)}", readme, re.MULTILINE), code


def test_help_loads_nothing_heavy():
    """The figure itself is quoted in the README; what makes it hold is what is not imported."""
    code = (
        "import sys; from pipeline.cli import run_cli; run_cli(['--help']); "
        "run_cli(['--version']); "
        "print(sorted({'tensorflow', 'tfx', 'psycopg2', 'numpy', 'pydantic', 'rich'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_names_the_release_and_its_stack(capsys):
    assert run_cli(["--version"]) == 0
    own, stack = version("tens-insight"), f"TFX {version('tfx')}, TensorFlow "
    assert capsys.readouterr().out.startswith(f"tens-insight {own} ({stack}")


@pytest.mark.parametrize(
    ("shell", "marks"),
    [("bash", ("complete ", "_TENS_INSIGHT_COMPLETE=bash_complete")), ("zsh", ("#compdef",))],
)
def test_a_shell_is_told_how_to_complete(shell, marks):
    environment = os.environ | {"_TENS_INSIGHT_COMPLETE": f"{shell}_source"}
    done = subprocess.run([PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert all(mark in done.stdout for mark in marks)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("tens-insight pub", {"publications"}),
        ("tens-insight run ", {"auto", "train", "score", "tune"}),
    ],
)
def test_commands_and_their_parts_are_completed(typed, expected):
    words = typed.split(" ")
    environment = os.environ | {
        "_TENS_INSIGHT_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run([PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected


@pytest.mark.parametrize("name", list(_COMMANDS))
def test_lazy_names_are_the_commands_own(name):
    assert cli.get_command(None, name).name == name


def test_the_scenarios_on_the_command_line_are_those_there_are():
    assert set(SCENARIOS) == set(world_model.SCENARIOS)
    assert SHAPES == simulate.SHAPES


def test_a_wrong_option_is_a_usage_error(capsys):
    assert run_cli(["run", "train", "--as-off", "2026-01-01"]) == 2
    assert "--as-off" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run train", "run score", "run tune", "areas"])
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("soon", "'soon' is no moment"),
        ("", "'' is no moment"),
        ("2026-02-30", "is no moment"),
        ("0001-01-01T00:00+14:00", "is no moment"),
        ("0001-01-01", "is before 1970"),
        ("9999-12-31", "is in the future"),
        ("2100-01-01 00:00 UTC", "is in the future"),
    ],
)
def test_a_wrong_as_of_is_a_usage_error_at_once(command, asked, said, capsys, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert run_cli([*command.split(), "--as-of", asked, "--json"]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    answer = json.loads(captured.out)
    assert (answer["outcome"], answer["exit"]) == ("UsageError", 2)
    assert said in answer["error"]


@pytest.mark.parametrize(
    "asked", ["2026-06-01", "2026-06-01 00:00 UTC", "2026-06-01T02:00+02:00", "2026-06-01T00:00Z"]
)
def test_a_moment_is_taken_as_it_is_shown(asked):
    assert MOMENT.convert(asked, None, None) == datetime(2026, 6, 1, tzinfo=timezone.utc)


def test_a_setting_in_the_future_is_invalid_configuration(capsys, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_AS_OF", "2100-01-01")
    assert run_cli(["run", "train"]) == 6
    assert "in the future" in capsys.readouterr().err


def test_without_any_database_it_says_what_to_do(capsys, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("PG", "DATABASE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    assert run_cli(["status"]) == 5
    said = capsys.readouterr().err
    assert "Set DATABASE_URL=" in said
    assert "make run" in said


def test_errors_come_as_json_too(capsys, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:hunter2@127.0.0.1:1/none")
    assert run_cli(["status", "--json"]) == 5
    captured = capsys.readouterr()
    last = json.loads(captured.out.splitlines()[-1])
    assert last["outcome"] == "ServerNotAnswering"
    assert last["exit"] == 5
    assert "hunter2" not in captured.out + captured.err


def test_explain_config_names_every_setting_and_its_origin(capsys, monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_SEED", "77")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@host/db")
    assert run_cli(["explain-config"]) == 0
    said = capsys.readouterr().out
    assert "TENS_INSIGHT_SEED=77" in said.splitlines()
    assert "[environment (TENS_INSIGHT_SEED)]" in said
    assert "hunter2" not in said


def test_db_init_then_check_on_a_simulated_world(simulated_database, capsys, monkeypatch):
    monkeypatch.setattr("pipeline.checks.checked_database.SECONDS", 60)
    for name, value in (("AS_OF", "2026-06-01"), ("MIN_ACCOUNTS", "50"), ("MIN_CHURNED", "3")):
        monkeypatch.setenv(f"TENS_INSIGHT_{name}", value)
    assert run_cli(["db", "init"]) == 0
    assert "is up to date" in capsys.readouterr().out
    assert run_cli(["db", "check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == []
    assert found["facts"]["churn_table_present"]
    assert found["facts"]["rows"] > found["facts"]["accounts"] > 0


def test_what_makes_tables_and_worlds_answers_as_json(database, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))

    def answer(*command, code=0):
        assert run_cli([*command, "--json"]) == code
        (line,) = capsys.readouterr().out.splitlines()
        told = json.loads(line)
        assert told["exit"] == code
        return told

    assert answer("db", "init")["applied"][0] == "0001_schema.sql"
    assert answer("db", "init")["applied"] == []
    world = answer("simulate", "--accounts", "9", "--days", "14")
    assert world["accounts"] >= 9
    assert world["rows"] > 0
    assert world["database"] == answer("db", "init")["database"]
    assert "--replace" in answer("simulate", "--accounts", "9", code=7)["error"]
    assert "--days" in answer("simulate", "--days", "0", code=2)["error"]
    assert "Nothing to adopt" in answer("db", "adopt")["said"]
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for command in (["db", "init"], ["simulate"], ["db", "adopt"]):
        assert answer(*command, code=5)["outcome"] == "ServerNotAnswering"


def test_db_check_tells_by_its_exit_code_that_tables_are_missing(database, capsys):
    assert run_cli(["db", "check"]) == 7
    assert "feedback_enriched" in capsys.readouterr().out


def test_db_check_says_which_settings_fit_a_short_history(simulated_database, capsys, monkeypatch):
    monkeypatch.setattr("pipeline.checks.checked_database.SECONDS", 60)
    monkeypatch.setenv("TENS_INSIGHT_LOOKBACK_DAYS", "3000")
    assert run_cli(["db", "check"]) == 4
    assert "TENS_INSIGHT_LOOKBACK_DAYS=" in capsys.readouterr().out


def test_simulate_refuses_a_second_world_unless_told(simulated_database, capsys):
    arguments = ["simulate", "--accounts", "20", "--days", "60", "--seed", "3"]
    assert run_cli(arguments) == 7
    assert "simulate --replace" in capsys.readouterr().err
    assert run_cli([*arguments, "--replace"]) == 0
    assert "of 20 accounts" in capsys.readouterr().out
    assert run_cli([*arguments, "--replace", "--shape", "goinsight"]) == 0
    assert "of 20 accounts" in capsys.readouterr().out


def test_status_before_any_run(migrated_database, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    assert run_cli(["status"]) == 0
    said = capsys.readouterr().out
    assert "nothing was published yet" in said
    assert "none: no model may score" in said
    assert "No model was judged yet: `tens-insight run train`" in said


def test_compiling_without_its_extra_says_what_to_install(capsys, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("pipeline.kubeflow")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("kfp", "kfp.pipeline_spec"):
        monkeypatch.setitem(sys.modules, name, None)
    assert run_cli(["compile"]) == 2
    assert "pip install 'tens-insight[kubeflow]'" in capsys.readouterr().err


def test_the_installed_program_answers(tmp_path):
    began = time.monotonic()
    done = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True)
    assert "tens-insight" in done.stdout
    assert time.monotonic() - began < 30  # a hang, not a speed: bench/ measures speed


def test_the_demo_simulates_nothing_in_a_database_that_is_named(database, capsys):
    assert run_cli(["demo", "run"]) == 7
    assert "feedback_enriched" in capsys.readouterr().err
    with contextlib.closing(psycopg2.connect(database)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT to_regclass('feedback_enriched'), to_regclass('account_churn')")
        assert cursor.fetchone() == (None, None)
        cursor.execute("SELECT count(*) FROM tens_insight.simulated_worlds")
        assert cursor.fetchone() == (0,)


def test_a_run_loads_nothing_heavy_before_it_silences_it():
    """TensorFlow reads what it may say when it is first imported."""
    code = (
        "import sys, pipeline.commands.run, pipeline.runs.run, pipeline.text.summary; "
        "print(sorted({'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("role", ["", "public", "none", "a\nb", "é" * 32])
@pytest.mark.parametrize("option", ["--installer", "--pipeline", "--reader"])
def test_grants_take_no_name_that_is_no_role(option, role, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", NOWHERE)  # that would be 5
    assert run_cli(["db", "grants", option, role]) == 2
    told = capsys.readouterr()
    assert not told.out
    assert f"Invalid value for '{option}'" in told.err


def test_forget_asks_where_nobody_reads_json(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run_cli(["forget", "ACC-1", "--json"]) == 130
    told = capsys.readouterr()
    assert json.loads(told.out)["exit"] == 130
    assert "Remove all that is kept about 'ACC-1'" in told.err


@pytest.mark.parametrize("command", [["forget", "-2+3"], ["account", "-2+3"]], ids=" ".join)
def test_an_id_that_begins_with_a_dash_is_told_where_it_goes(command, capsys):
    assert run_cli([*command, "--json"]) == 2
    captured = capsys.readouterr()
    expected = f"comes last, after --: tens-insight {command[0]} -- ACCOUNT_ID"
    assert expected in captured.err
    assert expected in json.loads(captured.out)["error"]


@pytest.mark.parametrize(
    "command",
    ["accounts --limit", "status --runs", "publications list --limit", "simulate --days"],
)
def test_a_number_beyond_what_databases_count_is_a_usage_error(command, capsys):
    assert run_cli([*command.split(), "99999999999999999999"]) == 2
    assert "is more than" in capsys.readouterr().err


def test_a_file_in_place_of_the_state_directory_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "state").write_text("")
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path / "state"))
    assert run_cli(["models", "list"]) == 6
    assert "is a file" in capsys.readouterr().err
