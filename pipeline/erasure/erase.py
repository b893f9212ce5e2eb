"""Removes an account everywhere that this installation keeps it, and says what was done."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from components.feedback_example_gen.reading.divided_rows import remove_left_rows
from components.postgres.tables import FEEDBACK
from components.publishing.erasure import ErasedRows, erase_account
from components.publishing.lock import user_on_host
from components.whole_files import remove_left_attempts
from pipeline.erasure.files import ErasedFiles, erase_from_files
from pipeline.erasure.metadata import erase_from_metadata, overwrite_freed
from pipeline.erasure.names import eraser
from pipeline.exit_codes import PUBLISHED, USAGE
from pipeline.registry.metadata_store import open_store
from pipeline.runs.run_lock import run_lock
from pipeline.settings import Settings
from pipeline.state_directory import not_writable
from transforms.columns import ACCOUNT_ID

_NEXT: Final = (
    "from which the next training run learns: delete them there.",
    "which the next run scores again: delete them there.",
)
"""What becomes of rows in the churn table, and in the feedback."""


@dataclass(frozen=True)
class Erased:
    """What was done.

    Attributes:
        rows: In the database.
        files: In the state directory.
        records: Artifacts and executions of ML Metadata whose texts were changed.
        swept: Folders of rows that killed runs had read, which were removed whole.
    """

    rows: ErasedRows
    files: ErasedFiles
    records: int
    swept: int = 0

    @property
    def exit_code(self) -> int:
        """0; a usage error's where nothing was found, or a file may still hold the id."""
        found = self.rows.total or self.files.rewritten or self.records
        return PUBLISHED if found and self.files.is_whole else USAGE

    def as_json(self) -> dict[str, Any]:
        """Counts and paths; never the id."""
        return {
            "rows": self.rows.removed,
            "files_rewritten": [str(path) for path in self.files.rewritten],
            "files_left": [str(path) for path in self.files.left],
            "files_damaged": [str(path) for path in self.files.damaged],
            "folders_of_rows_removed": self.swept,
            "metadata_records": self.records,
            "rows_of_others": self.rows.left,
            "exit": self.exit_code,
        }

    def lines(self) -> Iterator[str]:
        """What to tell a person."""
        for name, count in self.rows.removed.items():
            if count:
                yield f"{name:45} {count} rows"
        for path in self.files.rewritten:
            yield f"rewritten   {path}"
        if self.swept:
            yield f"removed     {self.swept} folders of rows that killed runs had read"
        if self.records:
            yield f"changed     {self.records} records of ML Metadata"
        if not (self.rows.total or self.files.rewritten or self.records):
            yield "Nothing is kept about this account. Ids are compared byte for byte."
        for path in self.files.left:
            yield f"Holds the id and cannot be rewritten: {path}. Delete it."
        for path in self.files.damaged:
            yield f"Is damaged, so nobody can tell whether it holds the id: {path}. Delete it."
        for name, left in self.rows.left.items():
            if left is None:
                yield (
                    f"Rows of it in {name} were not counted: its column of account ids is not "
                    "there, or this role may not read it."
                )
            elif left:
                yield f"{name} still has {left} rows of it, {_NEXT[name == FEEDBACK.table]}"


def erase(settings: Settings, account_id: str) -> Erased:
    """Removes an account from database, files and ML Metadata; what was done can be done again.

    Args:
        settings: Say where the state directory is; the environment names the database.
        account_id: Byte for byte.

    Raises:
        StateDirectoryBusy: A run is at work.
        ConfigurationInvalid: A file cannot be written.
        PublicationRefused: Somebody is publishing from elsewhere.
        DatabaseUnreachable: No connection, or it was lost.
        ContractBroken: A table or privilege is missing.
        StateUnusable: ML Metadata's file is damaged.
    """
    folder = settings.state_dir
    with run_lock(folder, f"forget, by {user_on_host()}"):
        reading = settings.reading
        others = {
            FEEDBACK.table: ACCOUNT_ID.name,
            reading.churn_table: reading.churn_account_column,
        }
        rows = erase_account(account_id, eraser(account_id), others)
        try:
            swept = remove_left_rows(settings.pipeline_root)
            remove_left_attempts(settings.pipeline_root)
            files = erase_from_files(folder, account_id)
        except OSError as error:
            raise not_writable(folder, error) from None
        store = open_store(settings.metadata_path)
        records = erase_from_metadata(store, account_id) if store is not None else 0
        if settings.metadata_path.exists():
            overwrite_freed(settings.metadata_path)
    return Erased(rows, files, records, swept)
