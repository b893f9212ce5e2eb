"""The work of ModelReview: collect, write review.html and review.json, and copy them."""

import json
import os
from typing import Any

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.config import read_config
from components.model_review.build_report import build_report as gather
from components.model_review.config import ModelReviewConfig
from components.model_review.page.report import render
from components.model_review.review import Review
from components.model_review.run_artifacts import collect
from components.registry.artifact_names import REVIEW_HTML, REVIEW_JSON, review_copy_name
from components.registry.model_properties import ReviewProperties
from components.registry.node_costs import read_costs


class Executor(base_executor.BaseExecutor):
    """Writes the evaluation report of a run."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component.

        Args:
            input_dict: Inputs of component.py; any of them may be absent.
            output_dict:
                - review: ModelReview.
            exec_properties: Parameters of component.py.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = read_config(ModelReviewConfig, exec_properties)
        run_id = (self._context.pipeline_run_id if self._context else None) or ""
        costs = read_costs(exec_properties["pipeline_root"], run_id)
        review = gather(
            collect(input_dict, run_id, costs),
            settings=json.loads(exec_properties["settings"]),
            risk_bands=exec_properties["risk_bands"],
            code_version=exec_properties["code_version"],
            accounts_shown=config.review_accounts,
            patience_s=config.database_patience_seconds,
        )
        artifact = artifact_utils.get_single_instance(output_dict["review"])
        files = {REVIEW_HTML: render(review), REVIEW_JSON: review.as_json()}
        for name, text in files.items():
            _write(os.path.join(artifact.uri, name), text)
        folder = config.review_dir
        ReviewProperties(
            outcome=review.decision.kind,
            model_version=review.head.model_version or None,
            as_of=review.head.as_of or None,
            copy_problem=_copy(folder, review, files) if folder else None,
        ).write(artifact)


def _write(path: str, text: str) -> None:
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "wb") as file:
        file.write(text.encode())


def _share(folder: str, path: str) -> None:
    """Lets a copy be read by all who may read its folder: a run's other files are private."""
    if os.path.isdir(folder):  # no bucket
        os.chmod(path, os.stat(folder).st_mode & 0o666)


def _copy(folder: str, review: Review, files: dict[str, str]) -> str | None:
    """Copies the report under a name that sorts by time, and that no other run has.

    Returns:
        Why there is no whole copy; None if there is.
    """
    head = review.head
    stem = review_copy_name(head.as_of, head.model_version or head.run_id)
    for name, text in files.items():
        path = os.path.join(folder, stem + os.path.splitext(name)[1])
        try:
            _write(path, text)
            _share(folder, path)
        # TFX removes what a failed node wrote: without a copy the report would be lost.
        except Exception as error:
            logging.error("Evaluation report: no copy at %s", path, exc_info=error)
            why = getattr(error, "strerror", None) or getattr(error, "message", None)
            return f"no copy of the evaluation report at {path}: {why or type(error).__name__}"
        logging.info("Evaluation report: %s", path)
    return None
