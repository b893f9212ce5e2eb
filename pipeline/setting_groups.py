"""Settings that belong to no component: the run itself, and the clusters it is compiled for."""

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Final, Literal

import pydantic
from pydantic import Field, SecretStr

from components.config import Count, Days, SecretUrl, component_config
from components.feedback_example_gen.config import in_utc

_CODE: Final = Path(__file__).resolve().parents[1]


def default_state_dir() -> Path:
    """Returns the state directory where none is set, whatever the current directory is.

    In a checkout it is `var` there; for an installed package it is where the XDG base directory
    specification keeps state.
    """
    if (_CODE / "pyproject.toml").is_file() and (_CODE / "transforms").is_dir():
        return _CODE / "var"
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (named if named.is_absolute() else Path("~/.local/state")) / "tens-insight"


@component_config
class RunSettings:
    """The run's now, the state directory, and Beam."""

    state_dir: Path = Field(
        default_factory=default_state_dir,
        description="Folder of ML Metadata, artifacts, pushed models, logs, embedded database; "
        "default: var in a checkout, else ~/.local/state/tens-insight.",
    )
    as_of: datetime | None = Field(
        default=None,
        description="The run's now, ISO 8601, UTC without a zone; default: the database's clock.",
    )
    beam_pipeline_args: tuple[str, ...] = Field(
        default=(),
        description="Options for Beam, a JSON list: with beam_runner local all that it gets, "
        "otherwise added to those of the runner; each replaces one of the same name.",
    )
    wait_minutes: float = Field(
        default=0,
        ge=0,
        le=10_080,
        description="Minutes that a run waits for another one on its state directory; 0: it ends.",
    )
    strict: bool = Field(
        default=False,
        description="Whether a training run whose challenger is not blessed ends with exit code "
        "10, although the champion has published.",
    )

    @pydantic.field_validator("state_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        try:
            return folder.expanduser().absolute()
        except RuntimeError:  # no such user, or no home
            raise ValueError("expected a folder; there is no home directory for ~") from None

    @pydantic.field_validator("as_of")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        if moment is None:
            return None
        if in_utc(moment) > datetime.now(timezone.utc):
            raise ValueError("expected no moment in the future")
        return in_utc(moment)


@component_config
class PolicySettings:
    """When `run auto` trains, rolls back and promotes by itself, and what it removes."""

    retrain_after_days: Days = Field(
        default=30, description="The policy: days after which the champion is too old."
    )
    retrain_after_left: Count = Field(
        default=200,
        description="The policy: accounts that left since the champion learnt, which a new model "
        "can learn from.",
    )
    retrain_on_drift: bool = Field(
        default=True,
        description="The policy: whether an alarm of monitoring about the input proposes to train.",
    )
    retrain_min_gap_days: Days = Field(
        default=7, description="The policy: days from one training to the next, at least."
    )
    rollback: Literal["on", "off"] = Field(
        default="on",
        description="The policy: whether a champion that is worse than the former is withdrawn.",
    )
    policy_error: float = Field(
        default=0.01,
        ge=0.0001,
        le=0.2,
        description="The policy: probability with which a champion that is not worse is rolled "
        "back, or a model in shadow that is not better is promoted, over all looks.",
    )
    policy_margin: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="The policy: difference of the mean squared error of two models that is not "
        "worth an act.",
    )
    keep_runs: Count = Field(
        default=10,
        description="Cleaning up: the newest runs of each pipeline whose artifacts and logs are "
        "kept, whatever their age.",
    )
    keep_days: Days = Field(
        default=30,
        description="Cleaning up: days for which artifacts and logs of other runs are kept.",
    )
    keep_models: Count = Field(
        default=5, description="Cleaning up: the newest blessed models that are kept."
    )


SecretName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
SecretKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$")]
SecretVersion = Annotated[str, Field(pattern=r"^projects/[^/]+/secrets/[\w-]+/versions/\w+$")]


@component_config
class KubeflowSettings:
    """Image, storage, resources, and where the secrets are: their names, never what they hold."""

    kubeflow_image: str = Field(
        default="tens-insight:0.1.0",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9./_:@-]*$",
        description="Kubeflow and Vertex: the container image of every task.",
    )
    kubeflow_pipeline_root: str = Field(
        default="gs://YOUR-BUCKET/tens-insight",
        min_length=1,
        description="Kubeflow and Vertex: where artifacts are kept; Vertex accepts gs:// only.",
    )
    kubeflow_serving_dir: str = Field(
        default="",
        description="Kubeflow and Vertex: folder or bucket path of blessed models; serving/churn "
        "under the pipeline root if empty.",
    )
    kubeflow_cpu: float = Field(
        default=2, gt=0, description="Kubeflow and Vertex: CPU limit of a task."
    )
    kubeflow_memory_gb: float = Field(
        default=8, gt=0, description="Kubeflow and Vertex: memory limit of a task, GB."
    )
    kubeflow_secret: SecretName = Field(
        default="tens-insight",
        description="Kubeflow: the Kubernetes Secret that holds the addresses of the databases.",
    )
    kubeflow_database_key: SecretKey = Field(
        default="DATABASE_URL",
        description="Kubeflow: the key in that Secret of DATABASE_URL.",
    )
    kubeflow_metadata_key: SecretKey = Field(
        default="METADATA_DATABASE_URL",
        description="Kubeflow: the key in that Secret of METADATA_DATABASE_URL.",
    )
    kubeflow_volume_claim: str = Field(
        default="",
        pattern=r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$",
        description="Kubeflow: a PersistentVolumeClaim that every task mounts; none if empty.",
    )
    kubeflow_volume_path: str = Field(
        default="/mnt/tens-insight",
        pattern="^/",
        description="Kubeflow: where it is mounted.",
    )
    vertex_database_secret: SecretVersion = Field(
        default="projects/YOUR-PROJECT/secrets/tens-insight-database-url/versions/latest",
        description="Vertex: the version in Secret Manager that holds DATABASE_URL.",
    )
    vertex_metadata_secret: SecretVersion = Field(
        default="projects/YOUR-PROJECT/secrets/tens-insight-metadata-url/versions/latest",
        description="Vertex: the version in Secret Manager that holds METADATA_DATABASE_URL.",
    )

    @pydantic.field_validator("kubeflow_pipeline_root", "kubeflow_serving_dir")
    @classmethod
    def _without_slash_at_its_end(cls, place: str) -> str:
        if "@" in place:
            raise ValueError("expected a path or a bucket's URL, without user and password")
        return place.rstrip("/")


RunKind = Literal["train", "score", "tune", "any"]


@component_config
class TelemetrySettings:
    """Where it is told how runs went: metrics, pings and lineage (docs/telemetry.md)."""

    metrics_textfile: str = Field(
        default="",
        description="File of metrics for node_exporter's textfile collector, its name ending in "
        ".prom; none is written if empty.",
    )
    pushgateway_url: SecretUrl = Field(
        default=SecretStr(""),
        description="Address of a Prometheus Pushgateway; nothing is pushed if empty.",
    )
    metrics_instance: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._:-]{0,128}$",
        description="Label instance of what is pushed, one for each installation; if empty, the "
        "name of the machine.",
    )
    ping_urls: dict[RunKind, SecretUrl] = Field(
        default_factory=dict,
        description="Checks as of healthchecks.io by kind of run, a JSON mapping from train, "
        "score, tune or any (kinds without a check of their own) to its URL.",
    )
    openlineage_file: str = Field(
        default="",
        description="File that gets the OpenLineage events of runs, a line each; none if empty.",
    )
    openlineage_url: SecretUrl = Field(
        default=SecretStr(""),
        description="Address of a server that takes OpenLineage events at api/v1/lineage; none if "
        "empty.",
    )
    openlineage_api_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key that is sent to it as a bearer token; none if empty.",
    )
    openlineage_namespace: str = Field(
        default="tens-insight",
        min_length=1,
        description="Namespace of the jobs in OpenLineage events.",
    )
    sink_timeout_seconds: float = Field(
        default=5,
        ge=0.1,
        le=60,
        description="Seconds that each of metrics, pings and lineage may wait for an answer; a run "
        "that has ended waits three times as long at most.",
    )

    @pydantic.field_validator("metrics_textfile", "openlineage_file")
    @classmethod
    def _absolute(cls, name: str) -> str:
        try:
            return str(Path(name).expanduser().absolute()) if name else ""
        except RuntimeError:  # no such user, or no home
            raise ValueError("expected a file; there is no home directory for ~") from None

    @pydantic.field_validator("metrics_textfile")
    @classmethod
    def _read_by_node_exporter(cls, name: str) -> str:
        if name and not name.endswith(".prom"):
            raise ValueError("expected a name that ends in .prom: node_exporter reads no other")
        return name


LEAST_TOKEN: Final = 16
"""Characters of a bearer token."""


@component_config
class ServingSettings:
    """How `tens-insight serve` listens, whom it answers, and what it bears (docs/serving.md)."""

    serve_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Serving: address to listen on. One that other machines reach needs tokens.",
    )
    serve_port: int = Field(
        default=8501, ge=0, le=65_535, description="Serving: port to listen on; 0 takes a free one."
    )
    serve_tokens: tuple[SecretStr, ...] = Field(
        default=(),
        description="Serving: bearer tokens of clients, a JSON list, each of 16 characters or "
        "more; without any and without a file everybody is answered.",
    )
    serve_tokens_file: str = Field(
        default="",
        description="Serving: file of further tokens, one a line, read again when it changes; none "
        "if empty.",
    )
    serve_without_tokens: bool = Field(
        default=False,
        description="Serving: whether it may listen on an address that other machines reach "
        "without tokens, such as behind a proxy that asks for them.",
    )
    serve_pages: bool = Field(
        default=True,
        description="Serving: whether it shows pages to browsers, at /pages (docs/pages.md).",
    )
    serve_rate: float = Field(
        default=500,
        ge=0,
        description="Serving: requests a second of one token, or of one address without tokens, "
        "beyond which it answers 429; 0 for no limit.",
    )
    serve_max_body_kb: Count = Field(
        default=4096, description="Serving: largest body of a request, in KiB."
    )
    serve_queue: Count = Field(
        default=256,
        description="Serving: requests that wait for the database, and as many for the model, "
        "beyond which it answers 503.",
    )
    serve_batch: int = Field(
        default=32,
        ge=1,
        le=1024,
        description="Serving: most waiting requests that the model, or the database, is asked "
        "about at once.",
    )
    serve_deadline_seconds: float = Field(
        default=5,
        gt=0,
        le=300,
        description="Serving: seconds after which a request that still waits is answered with 503.",
    )
    serve_database_connections: int = Field(
        default=2, ge=1, le=32, description="Serving: connections to the database."
    )
    serve_statement_seconds: int = Field(
        default=2, ge=1, le=300, description="Serving: seconds that a statement may take there."
    )
    serve_cache_entries: int = Field(
        default=10_000,
        ge=0,
        description="Serving: answers that are kept for accounts as they are now; 0 for none. "
        "REDIS_URL names a Redis that keeps them for several servers.",
    )
    serve_poll_seconds: float = Field(
        default=2,
        ge=0.1,
        le=3600,
        description="Serving: seconds between two looks at which model is champion.",
    )
    serve_drain_seconds: int = Field(
        default=10,
        ge=0,
        le=3600,
        description="Serving: seconds that requests may take to end once the server is told to.",
    )

    @pydantic.field_validator("serve_tokens")
    @classmethod
    def _long_enough(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(one.get_secret_value()) < LEAST_TOKEN for one in tokens):
            raise ValueError(f"expected tokens of at least {LEAST_TOKEN} characters")
        return tokens
