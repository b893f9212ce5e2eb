"""Files lose an account and nothing else, whatever its id looks like."""

import gzip
import json
from urllib.parse import urlsplit

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2

from components.errors import ContractBroken, PublicationRefused
from components.page.words import visible
from components.postgres.queries import queries
from components.postgres.tables import ACCOUNT_RISK_SCORES, OUTPUT_TABLES
from components.publishing.erasure import _TEXTS, ACCOUNT, ErasedRows, _places, erase_account
from components.publishing.undo import undo
from pipeline.erasure.erase import Erased, erase
from pipeline.erasure.files import ErasedFiles, erase_from_files
from pipeline.erasure.metadata import erase_from_metadata, overwrite_freed
from pipeline.erasure.names import eraser
from pipeline.registry.metadata_store import connection_config
from pipeline.settings import load_settings
from tests.components.publishing.test_altered_tables import SCORES, put, rows_of, trigger
from tests.components.publishing.test_own_tables import HISTORY, LOG, deferred
from tests.contract.conftest import execute, query

GATE = {"accounts": 12, "churned": 0.12, "message": "12 churned of 412", "ids": ["12", "112"]}


def write_state(folder, account):
    """A gate's decision, a report with its numbers, a log and a model's file."""
    folder.mkdir()
    (folder / "decision.json").write_text(json.dumps(GATE | {"odd": f"such as '{account}'"}))
    (folder / "review.json").write_text(json.dumps({"movers": [account], "count": 12}, indent=2))
    (folder / "review.html").write_text(f"<td>{account}</td><td>12</td>")
    (folder / "run.log").write_text(f"12 rows; account '{account}'")
    (folder / "variables.index").write_bytes(b"12 \x00 acme")


@pytest.mark.parametrize("account", ["12", "acme"])
def test_an_id_that_may_be_a_count_or_a_word_is_removed_where_it_is_an_id(tmp_path, account):
    write_state(folder := tmp_path / "state", account)
    done = erase_from_files(folder, account)
    decision = json.loads((folder / "decision.json").read_text())
    assert decision["odd"] == "such as '[forgotten]'"
    kept = ("accounts", "churned", "message")
    assert [decision[name] for name in kept] == [GATE[name] for name in kept]
    assert decision["ids"] == ["[forgotten]" if one == account else one for one in GATE["ids"]]
    assert json.loads((folder / "review.json").read_text()) == {
        "movers": ["[forgotten]"],
        "count": 12,
    }
    assert not (folder / "review.html").exists()
    assert (folder / "run.log").read_text() == "12 rows; account '[forgotten]'"
    assert done.left == ()
    assert {path.name for path in done.rewritten} == {
        *("decision.json", "review.json", "review.html", "run.log"),
    }


def test_an_id_that_stands_for_itself_is_removed_from_the_page(tmp_path):
    write_state(folder := tmp_path / "state", "ACC-12")
    erase_from_files(folder, "ACC-12")
    assert (folder / "review.html").read_text() == "<td>[forgotten]</td><td>12</td>"
    assert json.loads((folder / "decision.json").read_text())["ids"] == GATE["ids"]


def test_an_id_that_the_page_shows_with_marks_is_removed_from_it(tmp_path):
    """Control characters, and what turns the direction of writing, are marks in a page."""
    account = "ACC\x1b[31m-\u202e7"
    page = tmp_path / "review.html"
    page.write_text(f"<td>{visible(account)}</td><td>{visible('ACC-8')}</td>")
    done = erase_from_files(tmp_path, account)
    assert page.read_text() == "<td>[forgotten]</td><td>ACC-8</td>"
    assert done.left == ()


def test_a_file_of_no_known_kind_that_holds_the_id_is_named(tmp_path):
    (tmp_path / "notes.bin").write_bytes(b"\x00 ACC-12 \x00")
    assert [path.name for path in erase_from_files(tmp_path, "ACC-12").left] == ["notes.bin"]


def test_what_a_killed_run_left_torn_is_named_and_the_rest_goes_on(tmp_path):
    """Of a compressed file that is cut off nobody can tell whom it names."""
    whole = gzip.compress(b"record of ACC-12" * 99)
    for name, content in (
        ("Split-train/data_tfrecord-00000-of-00001.gz", whole[: len(whole) // 2]),
        ("Split-eval/data_tfrecord-00000-of-00001.gz", whole),
        ("Split-score/data_tfrecord-00000-of-00001.gz", b""),
        ("scores.parquet", b"PAR1 ACC-12"),
        ("FeatureStats.pb", b"\x0a\xff\xff ACC-12"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "run.log").write_text("account ACC-12")
    done = erase_from_files(tmp_path, "ACC-12")
    assert {path.relative_to(tmp_path).parts[0] for path in done.damaged} == {
        *("Split-train", "Split-eval", "scores.parquet", "FeatureStats.pb"),
    }
    assert not done.is_whole
    assert (tmp_path / "run.log").read_text() == "account [forgotten]"
    erased = Erased(ErasedRows({"a": 1}, {}), done, 0)
    assert erased.exit_code == 2
    assert sum("Is damaged" in line for line in erased.lines()) == 4


def test_a_file_that_names_nobody_stays_as_it_is(tmp_path):
    write_state(folder := tmp_path / "state", "ACC-12")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert erase_from_files(folder, "ACC-1").rewritten == ()
    assert before == {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()
    }


def test_texts_of_people_about_publications_lose_the_id(migrated_database):
    """Reasons of undos and of accepted shifts; another id that begins alike stays."""
    execute(
        migrated_database,
        queries("pipeline.demo")["create_inputs"],
        "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
        "label_source, rows_written, rows_removed, category_shares, run_id, published_by, "
        "undone_at, undone_by, undo_reason, accepted_shift, broken_limits) "
        "VALUES (gen_random_uuid(), 't', now(), 'm', 'l', 1, 0, '{}', 'r', 'b', now(), 'b', "
        "'acc-1 wrote, acc-10 did not', 'acc-1 left', ARRAY['acc-1', 'x'])",
    )
    erased = erase_account("acc-1", eraser("acc-1"))
    assert erased.removed["tens_insight.publications"] == 1
    said = "SELECT undo_reason, accepted_shift, broken_limits FROM tens_insight.publications"
    assert query(migrated_database, said) == [
        ("[forgotten] wrote, acc-10 did not", "[forgotten] left", ["[forgotten]", "x"])
    ]


def test_rows_that_others_keep_are_counted(migrated_database):
    execute(
        migrated_database,
        queries("pipeline.demo")["create_inputs"],
        'CREATE TABLE "Left us" (who text)',
        "INSERT INTO \"Left us\" VALUES ('acc-1'), ('acc-1'), ('acc-10')",
    )
    others = {
        "feedback_enriched": "account_id",
        "Left us": "who",
        "gone": "account_id",
        "account_churn": "who",
    }
    erased = erase_account("acc-1", eraser("acc-1"), others)
    assert erased.left == {"feedback_enriched": 0, "Left us": 2, "account_churn": None}
    done = Erased(erased, ErasedFiles((), ()), 0)
    (told,) = [line for line in done.lines() if "still has" in line]
    assert any(line.startswith("Rows of it in account_churn were not") for line in done.lines())
    assert told.startswith("Left us still has 2 rows of it, from which the next training run")


KEEPING = {
    "a trigger that keeps a row": (
        trigger("keeps", "RETURN NULL;", "BEFORE DELETE"),
        "1 in public.account_risk_scores",
    ),
    "a trigger that puts it back at the commit": (
        deferred(trigger("back", f"INSERT INTO {HISTORY} VALUES (OLD.publication_id, "
                         "OLD.account_id); RETURN NULL;", "AFTER DELETE", HISTORY)),
        f"1 in {HISTORY}",
    ),
    "a trigger that keeps a text": (
        trigger("keeps", "NEW.undo_reason := OLD.undo_reason; RETURN NEW;", "BEFORE UPDATE", LOG),
        f"1 in {LOG}",
    ),
    "a trigger of the last line that is written": (
        trigger("back", f"INSERT INTO {HISTORY} VALUES (9, 'acc-1'); RETURN NULL;",
                "AFTER INSERT", "tens_insight.erasures"),
        f"1 in {HISTORY}",
    ),
    "a trigger that raises": (
        trigger("raises", "RAISE EXCEPTION 'never';", "BEFORE DELETE"), "never",
    ),
    "no line of what was removed": (
        trigger("drops", "RETURN NULL;", "BEFORE INSERT", "tens_insight.erasures"),
        "took 0 of 1 rows",
    ),
}  # fmt: skip


@pytest.fixture
def kept(migrated_database):
    """Two publications that hold an account, one of them undone with a reason that names it."""
    put(1)
    put(2)
    undo(ACCOUNT_RISK_SCORES, reason="account 'acc-1' was wrong")
    execute(migrated_database, f"UPDATE {SCORES} SET account_id = 'acc-1' WHERE account_id = 'A'")
    execute(migrated_database, f"UPDATE {HISTORY} SET account_id = 'acc-1' WHERE account_id = 'A' "
            "AND model_version = 'model-1'")  # fmt: skip
    return migrated_database


@pytest.mark.parametrize("what", KEEPING)
def test_what_a_trigger_keeps_is_not_called_removed(kept, what):
    statement, said = KEEPING[what]
    tables = (SCORES, HISTORY, LOG, "tens_insight.erasures")
    execute(kept, statement)
    before = [rows_of(kept, name) for name in tables]
    with pytest.raises(PublicationRefused, match=said):
        erase_account("acc-1", eraser("acc-1"))
    assert [rows_of(kept, name) for name in tables] == before


def test_what_a_policy_hides_is_not_called_removed(kept, password_url, monkeypatch):
    role = urlsplit(password_url).username
    execute(
        kept,
        f'GRANT USAGE ON SCHEMA public, tens_insight TO "{role}"; '
        f'GRANT ALL ON ALL TABLES IN SCHEMA public, tens_insight TO "{role}"; '
        f"ALTER TABLE {SCORES} ENABLE ROW LEVEL SECURITY; "
        f"CREATE POLICY visible ON {SCORES} USING (account_id <> 'acc-1')",
    )
    monkeypatch.setenv("DATABASE_URL", password_url)
    with pytest.raises(ContractBroken, match="row-level security.*BYPASSRLS"):
        erase_account("acc-1", eraser("acc-1"))
    assert query(kept, f"SELECT count(*) FROM {SCORES} WHERE account_id = 'acc-1'") == [(1,)]


def test_what_metadata_freed_is_overwritten(tmp_path):
    path = tmp_path / "metadata.sqlite"
    store = ml_metadata.MetadataStore(connection_config(path))
    kind = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="Decision"))
    artifact = metadata_store_pb2.Artifact(type_id=kind)
    artifact.custom_properties["reason"].string_value = "acc-1 complained " * 500
    store.put_artifacts([artifact])
    assert erase_from_metadata(store, "acc-1") == 1
    overwrite_freed(path)
    assert b"acc-1" not in path.read_bytes()
    assert store.get_artifacts()[0].custom_properties["reason"].string_value.count("[forgotten]")


def test_rows_that_a_killed_run_had_read_go_too(migrated_database, monkeypatch, tmp_path):
    """They are of all accounts, in files that no run reads again."""
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    rows = tmp_path / "pipeline_root/tens-insight-score/FeedbackExampleGen/examples/3/rows"
    rows.mkdir(parents=True)
    (rows / "feedback-00000.arrows").write_bytes(b"ACC-12")
    done = erase(load_settings(), "ACC-12")
    assert done.swept == 1
    assert not rows.exists()
    assert any("killed runs" in line for line in done.lines())
    assert done.as_json()["folders_of_rows_removed"] == 1


NAMES_NOBODY = {
    "runs": {"run_id", "kind", "state", "run_by", "failed_node", "model_version", "log", "report",
             "state_dir"},
    "refusals": {"target_table", "model_version", "run_id", "refused_by"},
    "publications": {"target_table", "kind", "model_version", "label_source", "run_id",
                     "published_by", "undone_by"},
    "alerts": {"kind", "key", "severity"},
    "outcome_windows": {"label_source", "run_id", "not_known"},
    **dict.fromkeys(("product_area_impact_history", "product_area_impact_refused", "erasures",
                     "schema_migrations", "database_identity", "simulated_worlds",
                     "model_performance", "contribution_layouts", "score_changes",
                     "alert_deliveries", "silence_marks", "shadow_models", "event_publications",
                     "profile_metrics", "drift_metrics", "score_causes", "stream_positions"), None),
}  # fmt: skip
"""Columns of texts of our tables that name no account; None: no column does."""


def test_of_each_text_of_ours_it_is_decided_whether_it_may_name_an_account(migrated_database):
    """A new table or column: its rows or texts go with an account, or it is listed above."""
    found = query(
        migrated_database,
        "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
        "WHERE relnamespace = 'tens_insight'::regnamespace AND relkind = 'r' AND attnum > 0 "
        "AND NOT attisdropped AND atttypid IN ('text'::regtype, 'varchar'::regtype, "
        "'text[]'::regtype, 'varchar[]'::regtype)",
    )
    with_rows = {name for table in OUTPUT_TABLES if ACCOUNT in table.key for name in _places(table)}
    for table, column in found:
        cleaned = column in _TEXTS.get(f"tens_insight.{table}", ())
        known = table in NAMES_NOBODY and column in (NAMES_NOBODY[table] or {column})
        assert f"tens_insight.{table}" in with_rows or cleaned or known, (table, column)
    assert {name for name, _ in found} >= {name.split(".")[1] for name in _TEXTS}
