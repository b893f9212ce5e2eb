"""`run auto`: a bad champion that got past the gate is rolled back, and what others meet."""

import fcntl
import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.registry.artifact_names import saved_model_path
from pipeline.registry.metadata_store import connection_config
from pipeline.registry.registry import Registry
from serving_model.served.model_hash import saved_model_sha256
from tests.contract.conftest import execute
from tests.end_to_end.conftest import SMALLEST_BLESSED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

BAD = "20260601-0badbad0"
SCORES = "SELECT * FROM account_risk_scores ORDER BY account_id"
BEFORE = timedelta(days=70)
CLOSED = """
WITH past AS (
    INSERT INTO tens_insight.publications
        (attempt, target_table, as_of, model_version, label_source, rows_written, rows_removed,
         category_shares, run_id, published_by, horizon_days, horizons, published_at)
    VALUES (gen_random_uuid(), 'account_risk_scores', '{as_of}', '{bad}', 'account_churn', 1, 0,
            '{{}}', 'past', 'test', 60, '{{30,60,90}}', '{as_of}')
    RETURNING publication_id
), rows AS (
    INSERT INTO tens_insight.account_risk_score_history
    SELECT publication_id, account_id, {bad_says}, 0, 'low', '{as_of}', '{bad}'
    FROM account_risk_scores, past
), shadow AS (
    INSERT INTO tens_insight.shadow_models
        (publication_id, place, model_version, role, horizons, horizon_days, accounts)
    SELECT publication_id, 1, '{good}', 'former champion', '{{30,60,90}}', 60, 1 FROM past
), scores AS (
    INSERT INTO tens_insight.shadow_scores (publication_id, place, account_id, probabilities)
    SELECT publication_id, 1, account_id, '{{0.02,0.05,0.08}}' FROM account_risk_scores, past
)
INSERT INTO tens_insight.outcome_windows
    (publication_id, horizon_days, label_source, closed_at, measured_as_of, run_id, accounts,
     accounts_left, accounts_stayed, accounts_unknown)
SELECT publication_id, 60, 'account_churn', '{as_of}'::timestamptz + interval '1440 hours',
       '{now}', 'past', 1, 0, 1, 0 FROM past
"""


def auto(installation, **settings):
    return installation.run("run", "auto", "--json", **SMALLEST_BLESSED, **settings)


def plant(installation):
    """Records a copy of the champion as BAD, blessed after it; returns the champion's version."""
    path = installation.state_dir / "metadata.sqlite"
    champion = Registry(path).champion()
    store = ml_metadata.MetadataStore(connection_config(path))
    model = _execution(store, "ModelTrainer")
    folder = Path(champion.uri).with_name(str(model))
    shutil.copytree(champion.uri, folder)
    card = Path(saved_model_path(str(folder)), "assets.extra", "model_card.json")
    content = json.loads(card.read_text()) | {"model_version": BAD}
    card.write_text(json.dumps(content))
    said = {
        "model_version": BAD,
        "saved_model_sha256": saved_model_sha256(saved_model_path(str(folder))),
    }
    (original,) = store.get_artifacts_by_id([champion.artifact_id])
    model_id = _artifact(store, original, str(folder), said, model, "model")
    (blessed,) = [
        one
        for one in store.get_artifacts_by_type("ModelBlessing")
        if one.custom_properties["decision"].string_value
    ]
    gate = _execution(store, "ModelGate")
    shutil.copytree(blessed.uri, Path(blessed.uri).with_name(str(gate)))
    said = {"current_model_id": model_id, "model_version": BAD}
    uri = str(Path(blessed.uri).with_name(str(gate)))
    _artifact(store, blessed, uri, said, gate, "blessing")
    return champion.properties.model_version


def _execution(store, node):
    (like,) = [one for one in store.get_executions() if one.type.rpartition(".")[2] == node][:1]
    made = mlmd.Execution(type_id=like.type_id, last_known_state=mlmd.Execution.COMPLETE)
    contexts = [
        one for one in store.get_contexts_by_execution(like.id) if one.type != "pipeline_run"
    ]
    run = mlmd.Context(
        type_id=store.get_context_type("pipeline_run").id, name="20260601T000000.000-bad0"
    )
    number, _, _ = store.put_execution(
        made, [], [*contexts, run], reuse_context_if_already_exist=True
    )
    return number


def _artifact(store, like, uri, said, execution, key):
    made = mlmd.Artifact()
    made.CopyFrom(like)
    made.ClearField("id")
    made.ClearField("name")
    made.uri = uri
    for name, value in said.items():
        kind = "string_value" if isinstance(value, str) else "int_value"
        setattr(made.custom_properties[name], kind, value)
    (number,) = store.put_artifacts([made])
    path = mlmd.Event.Path(steps=[mlmd.Event.Path.Step(key=key), mlmd.Event.Path.Step(index=0)])
    store.put_events(
        [mlmd.Event(artifact_id=number, execution_id=execution, type=mlmd.Event.OUTPUT, path=path)]
    )
    return number


def close_a_window(installation, good, bad_says):
    as_of = installation.as_of - BEFORE
    execute(
        installation.admin_url,
        CLOSED.format(as_of=as_of, now=installation.as_of, bad=BAD, good=good, bad_says=bad_says),
    )


def test_a_bad_champion_is_rolled_back_in_the_first_run_whose_evidence_allows_it(
    copied_installation, published_by_scoring
):
    place = copied_installation
    good = plant(place)
    before = place.run("policy", "--json").summary
    assert [one["kind"] for one in before["acts"]] == ["score"]  # nothing is known of it yet
    close_a_window(place, good, 0.9)
    done = auto(place)
    assert done.code == 0, done.err
    assert done.summary["published"]["model_version"] == good
    assert place.query(SCORES) == published_by_scoring
    assert f"Withdrew {BAD}" in done.err
    assert f"`tens-insight models promote {BAD}`" in done.err
    transition = Registry(place.state_dir / "metadata.sqlite").transitions()[-1]
    assert (transition.kind, transition.version) == ("withdraw", BAD)
    assert transition.by.startswith("policy (")
    ((sentence, evidence),) = place.query(
        "SELECT sentence, evidence FROM tens_insight.alerts WHERE kind = 'policy_act'"
    )
    assert BAD in sentence
    assert evidence["worse"] >= 100
    told = place.run("policy", "--json").summary
    assert [one["kind"] for one in told["done"]] == ["withdraw"]
    # What a person decides holds, although the evidence is the same.
    assert place.run("models", "promote", BAD, "--reason", "I know better").code == 0
    kept = place.run("policy", "--json").summary
    assert [one["kind"] for one in kept["acts"]] == ["score"]
    (rule,) = [one for one in kept["rules"] if one["name"] == "roll back"]
    assert "what a person decided holds" in rule["would"]


def test_a_second_one_at_once_does_nothing(installation, scored):
    with open(installation.state_dir / "auto.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = auto(installation)
    assert done.code == 9, done.err
    assert "did nothing" in done.err
    os.unlink(installation.state_dir / "auto.lock")


def test_a_database_that_is_down_ends_with_5_and_leaves_a_record(installation, scored, tmp_path):
    settings = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
        "TENS_INSIGHT_STATE_DIR": str(tmp_path / "state"),
    }
    done = auto(installation, **settings)
    assert done.code == 5, done.err
    (record,) = (tmp_path / "state" / "runs").glob("*.json")
    content = json.loads(record.read_text())
    assert (content["kind"], content["exit_code"]) == ("score", 5)
