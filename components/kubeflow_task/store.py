"""ML Metadata of the project, as tasks on a cluster open it."""

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

from components.errors import DatabaseUnreachable
from components.postgres.address import METADATA_URL_VARIABLE
from components.postgres.connection import metadata_address
from components.postgres.metadata_database import fill_config, require_metadata_database

Result = TypeVar("Result")
_TRIES: Final = 6
_CROSSED: Final = (errors.AbortedError, errors.AlreadyExistsError, errors.InternalError)


def in_store(act: Callable[[metadata.Metadata], Result]) -> Result:
    """Does something in ML Metadata; again if another task was at the same rows.

    A connection is opened for each act: between the first and the last one of a task may lie
    hours, which no idle connection need survive.

    Args:
        act: What to do; each write in it is a transaction of its own.

    Raises:
        DatabaseUnreachable: METADATA_DATABASE_URL is not set or names no database that can
            be used.
        ContractBroken: The role lacks a right in it.
    """
    config = _connection_config()
    for tries_left in reversed(range(_TRIES)):
        try:
            with metadata.Metadata(config) as handle:
                return act(handle)
        except _CROSSED:
            if not tries_left:
                raise
            time.sleep(random.uniform(0.1, 1.0))  # noqa: S311 - no secret is made of it
    raise AssertionError("not reached")


def _connection_config() -> metadata_store_pb2.ConnectionConfig:
    address = metadata_address()
    if address is None:
        raise DatabaseUnreachable(
            f"{METADATA_URL_VARIABLE} is not set in this task. Runs, models and blessings are "
            "recorded in the database that it names: give the task the secret that holds it, see "
            "docs/kubeflow.md."
        )
    config = metadata_store_pb2.ConnectionConfig()
    fill_config(config.postgresql, require_metadata_database(address))
    return config
