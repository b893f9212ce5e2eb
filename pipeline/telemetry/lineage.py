"""OpenLineage events of a run: which job, which tables it read and wrote, and what came of it.

The events are plain JSON after the schemas of OpenLineage 2-0-2, which a test holds them against.
The project's own client is not used: its facet classes are generated from these schemas, and it
asks for versions of its HTTP libraries that the older stack does not have.
"""

import os
import re
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import psycopg2

from components.errors import TensInsightError
from components.postgres.address import read_address
from components.postgres.queries import queries
from components.postgres.tables import ACCOUNT_RISK_SCORES, FEEDBACK, PRODUCT_AREA_IMPACT
from components.registry.input_properties import CHURN, ExamplesProperties
from pipeline.runs.record import COMPLETE, FAILED, RunRecord
from pipeline.settings import Settings
from pipeline.telemetry.gather import has_database, reading
from pipeline.telemetry.pings import how_it_ended, uuid_of

if TYPE_CHECKING:
    from pipeline.runs.summary import RunSummary

PARENT: Final = "OPENLINEAGE_PARENT_ID"
"""Variable in which a scheduler names the run that this one is part of, as
NAMESPACE/JOB/UUID: Airflow's and dbt's integrations of OpenLineage do."""
_SPEC: Final = "https://openlineage.io/spec"
_EVENT_SCHEMA: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS: Final = {
    "nominalTime": "1-0-1/NominalTimeRunFacet",
    "parent": "1-2-0/ParentRunFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "sourceCodeLocation": "1-1-0/SourceCodeLocationJobFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "dataQualityMetrics": "1-0-3/DataQualityMetricsInputDatasetFacet",
    "inputStatistics": "1-0-0/InputStatisticsInputDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
}
"""Version and class of each facet."""
_QUERIES: Final = queries(__package__)
_PLACE: Final = re.compile(r"(?:.*@)?(?P<host>.*):(?P<port>[0-9,]*)/(?P<database>.*)", re.DOTALL)

Facets = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A table that is read or written.

    Attributes:
        asked: How the settings name it.
        schema: Where the search_path finds it; "public" where that is not known.
        name: Without the schema.
        columns: Name and type of each column; empty where they are not known.
    """

    asked: str
    schema: str
    name: str
    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Dataset:
    """What an event says of a table.

    Attributes:
        table: The table.
        facets: Of this run alone: inputFacets or outputFacets.
    """

    table: Table
    facets: Facets = field(default_factory=dict)


def events_of(
    settings: Settings,
    record: RunRecord,
    result: "RunSummary | None",
    *,
    start: bool,
    end: bool,
) -> list[dict[str, Any]]:
    """Returns the events of an attempt to run.

    Args:
        settings: Of the run.
        record: How far it is, or how it ended.
        result: What a run that published says.
        start: Whether an event says that it began.
        end: Whether one says how it ended.
    """
    tables = _read_tables(settings)
    place = _place(record)
    made = []
    if start:
        inputs, outputs = _datasets(tables, settings, record, None)
        made.append(_event(settings, record, "START", record.started_at, inputs, outputs, place))
    if end:
        kind = "COMPLETE" if record.state == COMPLETE else "FAIL"
        if record.state not in (COMPLETE, FAILED):
            kind = "ABORT"
        moment = record.ended_at or datetime.now(timezone.utc)
        inputs, outputs = _datasets(tables, settings, record, result)
        made.append(_event(settings, record, kind, moment, inputs, outputs, place, result))
    return made


def _event(
    settings: Settings,
    record: RunRecord,
    kind: str,
    moment: datetime,
    inputs: Sequence[Dataset],
    outputs: Sequence[Dataset],
    place: tuple[str, str] | None,
    result: "RunSummary | None" = None,
) -> dict[str, Any]:
    return {
        "eventType": kind,
        "eventTime": moment.isoformat(),
        "producer": _producer(),
        "schemaURL": _EVENT_SCHEMA,
        "run": {
            "runId": str(uuid_of(record.run_id)),
            "facets": dict(_run_facets(settings, record, kind, result)),
        },
        "job": {
            "namespace": settings.telemetry.openlineage_namespace,
            "name": f"run_{record.kind}",
            "facets": dict(_job_facets()),
        },
        "inputs": [_dataset(one, place, "inputFacets") for one in inputs] if place else [],
        "outputs": [_dataset(one, place, "outputFacets") for one in outputs] if place else [],
    }


def _run_facets(
    settings: Settings, record: RunRecord, kind: str, result: "RunSummary | None"
) -> Iterator[tuple[str, Facets]]:
    as_of = result.data.as_of if result else settings.run.as_of
    nominal = datetime.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    yield _facet("nominalTime", nominalStartTime=(nominal or record.started_at).isoformat())
    yield _facet(
        "processing_engine",
        version=version("tfx"),
        name="TFX",
        openlineageAdapterVersion=version("tens-insight"),
    )
    if parent := _parent(os.environ.get(PARENT, "")):
        yield parent
    if kind not in ("START", "COMPLETE"):
        yield _facet("errorMessage", message=how_it_ended(record), programmingLanguage="PYTHON")


def _parent(text: str) -> tuple[str, Facets] | None:
    """Returns who started this run; None where nobody says so in the form that is agreed."""
    namespace, _, rest = text.partition("/")
    job, _, run_id = rest.rpartition("/")
    try:
        found = uuid.UUID(run_id)
    except ValueError:
        return None
    if not (namespace and job):
        return None
    return _facet("parent", run={"runId": str(found)}, job={"namespace": namespace, "name": job})


def _job_facets() -> Iterator[tuple[str, Facets]]:
    from pipeline.code_version import code_version

    yield _facet("jobType", processingType="BATCH", integration="TENS_INSIGHT", jobType="JOB")
    yield _facet("sourceCodeLocation", type="package", url=_producer(), version=code_version())


def _producer() -> str:
    """Returns the package URL of this version."""
    return f"pkg:generic/tens-insight@{version('tens-insight')}"


def _facet(name: str, /, **content: Any) -> tuple[str, Facets]:
    kind = _FACETS[name].rpartition("/")[2]
    base = {
        "_producer": _producer(),
        "_schemaURL": f"{_SPEC}/facets/{_FACETS[name]}.json#/$defs/{kind}",
    }
    return name, base | content


def _place(record: RunRecord) -> tuple[str, str] | None:
    """Returns OpenLineage's namespace of the database and its name; None where none is known."""
    name = record.database
    if not name:
        if not has_database():
            return None
        try:
            name = read_address(os.environ).name
        except TensInsightError:
            return None
    found = _PLACE.fullmatch(name)
    if found is None:
        return None
    host = found["host"]
    if not host or host.startswith(("/", "(", "@")):
        host = socket.gethostname()  # a socket of this machine
    if ":" in host:
        host = f"[{host}]"
    return f"postgres://{host}:{found['port'] or 5432}", found["database"]


def _dataset(dataset: Dataset, place: tuple[str, str], own: str) -> dict[str, Any]:
    table = dataset.table
    facets = dict([_facet("dataSource", name=place[0], uri=place[0])])
    if table.columns:
        fields = [
            {"name": name, "type": kind, "ordinal_position": at}
            for at, (name, kind) in enumerate(table.columns, 1)
        ]
        facets |= dict([_facet("schema", fields=fields)])
    return {
        "namespace": place[0],
        "name": f"{place[1]}.{table.schema}.{table.name}",
        "facets": facets,
        own: dataset.facets,
    }


def _datasets(
    tables: Mapping[str, Table],
    settings: Settings,
    record: RunRecord,
    result: "RunSummary | None",
) -> tuple[list[Dataset], list[Dataset]]:
    """Returns what a run reads, and what it writes: when it ended, only what it did."""
    data = result.data if result else None
    inputs = [Dataset(tables[FEEDBACK.table], _of_feedback(data) if data else {})]
    churn = tables.get(settings.reading.churn_table)
    truth = data.truth.get(CHURN) if data else None
    if churn and settings.reading.label_source != "inactivity" and (truth or not data):
        inputs.append(Dataset(churn, _of_churn(data, settings) if data else {}))
    if record.kind == "tune" or (record.ended_at is not None and result is None):
        return inputs, []
    outputs = [Dataset(tables[ACCOUNT_RISK_SCORES.qualified])]
    areas = Dataset(tables[PRODUCT_AREA_IMPACT.qualified])
    if result is None:
        return inputs, [*outputs, areas]
    outputs = [Dataset(outputs[0].table, _written(result.published.published_count))]
    if result.areas.not_published is None:
        outputs.append(Dataset(areas.table, _written(result.areas.published_count)))
    return inputs, outputs


def _of_feedback(data: ExamplesProperties) -> Facets:
    columns: Facets = {
        "account_id": {"nullCount": data.rows_without_account, "distinctCount": data.accounts},
        "created_at": {"nullCount": data.rows_without_date},
    }
    return _quality(data.feedback_rows, columns, data.newest_feedback)


def _of_churn(data: ExamplesProperties, settings: Settings) -> Facets:
    truth = data.truth[CHURN]
    columns: Facets = {
        settings.reading.churn_account_column: {"nullCount": truth.rows_without_account},
        settings.reading.churn_date_column: {"nullCount": truth.rows_without_date},
    }
    return _quality(truth.rows, columns, truth.newest)


def _quality(rows: int, columns: Facets, newest: str | None) -> Facets:
    updated = {"lastUpdated": newest} if newest else {}
    return dict(
        [
            _facet("dataQualityMetrics", rowCount=rows, columnMetrics=columns, **updated),
            _facet("inputStatistics", rowCount=rows),
        ]
    )


def _written(rows: int) -> Facets:
    return dict([_facet("outputStatistics", rowCount=rows)])


def _read_tables(settings: Settings) -> dict[str, Table]:
    """Returns the tables of a run by how we name them, with their columns where they are known.

    A churn table that is not there is left out.
    """
    asked = [
        FEEDBACK.table,
        settings.reading.churn_table,
        ACCOUNT_RISK_SCORES.qualified,
        PRODUCT_AREA_IMPACT.qualified,
    ]
    patience_s = round(settings.telemetry.sink_timeout_seconds)
    try:
        found = _ask_tables(settings, asked, patience_s) if has_database() else {}
    except (TensInsightError, psycopg2.Error):
        found = {}
    if not found:
        return {name: _by_name(name) for name in asked}
    needed = [name for name in asked if name != settings.reading.churn_table]
    return {name: _by_name(name) for name in needed} | found


def _ask_tables(settings: Settings, asked: list[str], patience_s: int) -> dict[str, Table]:
    with reading(settings, patience_s) as cursor:
        cursor.execute(_QUERIES["columns"], {"tables": asked})
        columns: dict[str, list[tuple[str, str]]] = {}
        for name, column, kind in cursor.fetchall():
            columns.setdefault(name, []).append((column, kind))
        cursor.execute(_QUERIES["tables"], {"tables": asked})
        return {
            name: Table(name, schema, table, tuple(columns.get(name, ())))
            for name, schema, table in cursor.fetchall()
        }


def _by_name(asked: str) -> Table:
    schema, _, name = asked.rpartition(".")
    return Table(asked, schema or "public", name)
