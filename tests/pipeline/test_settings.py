import json
import os
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from components.config import setting_fields
from pipeline.settings import (
    PREFIX,
    SETTINGS,
    ConfigurationInvalid,
    default_settings,
    load_settings,
    origin,
    variable,
)
from transforms.product_area_impact import SIGNALS

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def test_defaults_are_those_of_the_design():
    reading = load_settings().reading
    found = (reading.lookback_days, reading.horizon_days, reading.cutoff_interval_days)
    assert found == (180, 60, 14)
    assert reading.max_training_cutoffs == 12
    assert reading.max_events == 500


def test_settings_are_frozen():
    settings = load_settings()
    with pytest.raises(FrozenInstanceError):
        settings.training.seed = 1
    with pytest.raises(FrozenInstanceError):
        settings.training = None


def test_environment_wins_over_the_file_and_explicit_wins_over_both(monkeypatch, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("horizon_days: 30\nlookback_days: 90\nseed: 5\n")
    monkeypatch.setenv("TENS_INSIGHT_CONFIG", str(file))
    monkeypatch.setenv("TENS_INSIGHT_LOOKBACK_DAYS", "120")
    settings = load_settings(seed=6)
    found = (settings.reading.horizon_days, settings.reading.lookback_days, settings.training.seed)
    assert found == (30, 120, 6)
    assert settings.explicit == {"horizon_days", "lookback_days", "seed"}
    assert origin("horizon_days") == f"file ({file})"
    assert origin("lookback_days") == "environment (TENS_INSIGHT_LOOKBACK_DAYS)"
    assert origin("max_events") == "default"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LOOKBACK_DAYS", "soon", "integer"),
        ("HORIZON_DAYS", "0", "greater than or equal to 1"),
        ("MIN_AUC", "1.5", "less than or equal to 1"),
        ("LABEL_SOURCE", "guess", "'auto', 'account_churn' or 'inactivity'"),
        ("CHURN_TABLE", "churn; DROP TABLE x", "pattern"),
        ("AS_OF", "yesterday", "datetime"),
        ("EVAL_CUTOFF", "yesterday", "datetime"),
        ("TRAINING_CUTOFFS", '["yesterday"]', "datetime"),
        ("HIDDEN_UNITS", "many", "JSON"),
        ("HIDDEN_UNITS", "[0]", "greater than"),
        ("AREA_WEIGHTS", "much", "JSON"),
        ("AREA_WEIGHTS", '{"feedback_volume": 1}', "must name every signal"),
        ("AREA_WEIGHTS", '{"negative": 1}', "no signal 'negative'"),
        ("AREA_WEIGHTS", json.dumps(dict.fromkeys(SIGNALS, 0.2)), "sum to 1"),
        ("AREA_WEIGHTS", json.dumps(dict.fromkeys(SIGNALS, 0.4) | {"p5_feedback": -1}), ">= 0"),
        ("AREAS_EMPTY_WINDOW", "wipe", "'keep' or 'clear'"),
        ("DATA_CHECKS", "warn", "JSON"),
        ("DATA_CHECKS", '{"drfit": "warn"}', "there are schema, size, freshness, truth"),
        ("DATA_CHECKS", '{"skew": "halt"}', "expected stop or warn or off"),
        ("DATA_CHECKS", '{"size": "off"}', "expected stop or warn"),
        ("CHURN_HORIZONS", "[30, 60, 30]", "each horizon may be named once only"),
        ("CHURN_HORIZONS", "[]", "at least 1"),
        ("CHURN_HORIZONS", "[0]", "greater than or equal to 1"),
        ("CRITICAL_PRIORITY", "6", "less than or equal to 5"),
        ("RISK_BANDS", "quantile", "'probability', 'lift', 'capacity' or 'auto'"),
        ("RISK_BANDS", "capacity", "needs risk_capacity"),
        ("RISK_CAPACITY", "10", "which does not use it"),
        ("RISK_CAPACITY", "[10, 20]", "one number, or three"),
        ("RISK_CAPACITY", "0", "greater than or equal to 1"),
        ("RISK_LIFTS", "[2, 3, 4]", "which does not use it"),
        ("RISK_LIFTS", "[2, 3]", "three rising multiples"),
        ("RISK_LIFTS", "[2, 2, 3]", "three rising multiples"),
        ("RISK_LIFTS", "[0, 2, 3]", "three rising multiples"),
        ("RISK_LIFTS", "[1, 2, Infinity]", "three rising multiples"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(monkeypatch, name, value, said):
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(ConfigurationInvalid, match=re.escape(said)) as caught:
        load_settings()
    assert name.lower() in str(caught.value)


def test_the_bands_are_one_rule(monkeypatch):
    assert load_settings().scoring.bands.rule == {"mode": "probability"}
    monkeypatch.setenv("TENS_INSIGHT_RISK_BANDS", "lift")
    assert load_settings().scoring.bands.rule == {"mode": "lift", "lifts": [1.5, 2.5, 4.0]}
    monkeypatch.setenv("TENS_INSIGHT_RISK_BANDS", "capacity")
    monkeypatch.setenv("TENS_INSIGHT_RISK_CAPACITY", "25")
    assert load_settings().scoring.bands.rule == {"mode": "capacity", "capacity": [25, 25, 25]}
    monkeypatch.setenv("TENS_INSIGHT_RISK_CAPACITY", "[5, 10, 20]")
    assert load_settings().scoring.bands.capacity == (5, 10, 20)


def test_churn_horizons_are_sorted(monkeypatch):
    assert load_settings().training.churn_horizons == (30, 60, 90)
    monkeypatch.setenv("TENS_INSIGHT_CHURN_HORIZONS", "[90, 14]")
    assert load_settings().training.churn_horizons == (14, 90)


def test_groups_of_data_checks_that_are_not_named_keep_their_action(monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_DATA_CHECKS", '{"drift": "off"}')
    actions = load_settings().data_gate.data_checks
    assert actions["drift"] == "off"
    assert actions | {"drift": "warn"} == default_settings().data_gate.data_checks


def test_a_misspelt_variable_is_refused_with_the_nearest_name(monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_HORIZON_DAY", "30")
    with pytest.raises(ConfigurationInvalid, match="Did you mean TENS_INSIGHT_HORIZON_DAYS"):
        load_settings()


def test_an_unknown_key_in_the_file_is_refused(monkeypatch, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("horizon: 30\n")
    monkeypatch.setenv("TENS_INSIGHT_CONFIG", str(file))
    with pytest.raises(ConfigurationInvalid, match="'horizon' in"):
        load_settings()


@pytest.mark.parametrize("content", ["- 1\n", "a: [\n"])
def test_a_file_that_is_no_mapping_is_refused(monkeypatch, tmp_path, content):
    file = tmp_path / "config.yaml"
    file.write_text(content)
    monkeypatch.setenv("TENS_INSIGHT_CONFIG", str(file))
    with pytest.raises(ConfigurationInvalid, match=re.escape(str(file))):
        load_settings()


def test_a_missing_file_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("TENS_INSIGHT_CONFIG", str(tmp_path / "none.yaml"))
    with pytest.raises(ConfigurationInvalid, match="cannot be read"):
        load_settings()


def test_as_of_is_in_utc(monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_AS_OF", "2026-05-01T02:00:00+02:00")
    assert load_settings().run.as_of.isoformat() == "2026-05-01T00:00:00+00:00"
    monkeypatch.setenv("TENS_INSIGHT_AS_OF", "2026-05-01")
    assert load_settings().run.as_of.isoformat() == "2026-05-01T00:00:00+00:00"


def test_the_example_file_names_every_setting_with_its_meaning_and_default():
    text = (ROOT / ".env.example").read_text()
    lines = text.splitlines()
    shown = dict(line.lstrip("# ").split("=", 1) for line in lines if "=" in line)
    comments = " ".join(line.lstrip("# ") for line in lines)
    defaults = default_settings()
    for name, field in SETTINGS.items():
        assert variable(name) in shown, f"{variable(name)} is missing in .env.example"
        assert f"{field.description} {variable(name)}=" in comments
        if shown[variable(name)]:
            os.environ[variable(name)] = shown[variable(name)]
            try:
                assert load_settings().value(name) == defaults.value(name), variable(name)
            finally:
                del os.environ[variable(name)]


def test_a_setting_that_groups_share_has_one_definition_and_one_value(monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_MAX_COUNT_CHANGE", "0.125")
    settings = load_settings()
    assert settings.scoring.max_count_change == settings.areas.max_count_change == 0.125
    groups = [getattr(settings, one.name) for one in fields(settings) if one.name != "explicit"]
    for group in groups:
        for name, field in setting_fields(type(group)).items():
            assert repr(field) == repr(SETTINGS[name]), f"{name} of {type(group).__name__} differs"
            assert getattr(group, name) == settings.value(name)


def test_an_unknown_option_is_refused():
    with pytest.raises(ConfigurationInvalid, match="'horizon' in command line. Did you mean hor"):
        load_settings(horizon=30)


def test_every_wrong_value_is_named_once(monkeypatch):
    monkeypatch.setenv("TENS_INSIGHT_HORIZON_DAYS", "0")
    monkeypatch.setenv("TENS_INSIGHT_MAX_COUNT_CHANGE", "-1")
    with pytest.raises(ConfigurationInvalid) as caught:
        load_settings()
    names = [line.split()[1] for line in str(caught.value).splitlines()]
    assert names == ["horizon_days", "max_count_change"]


def test_the_settings_load_neither_tfx_nor_tensorflow():
    program = (
        "import sys; from pipeline.settings import load_settings; load_settings(); "
        "print({'tfx', 'tensorflow', 'apache_beam', 'psycopg2'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("set()\n", 0), done.stderr


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({}, False),
        ({"churn_table": "account_churn"}, True),
        ({"churn_table": "crm.gone"}, True),
        ({"churn_date_column": "left_at"}, True),
        ({"churn_table": "crm.gone", "label_source": "inactivity"}, False),
        ({"label_source": "account_churn"}, True),
    ],
)
def test_a_churn_table_that_is_named_is_needed(given: dict[str, str], needed: bool) -> None:
    assert load_settings(**given).contract["need_churn_table"] is needed
