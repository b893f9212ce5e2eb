"""The work of Monitor: its steps, beside each other where none needs the other."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.config import read_config
from components.errors import TensInsightError
from components.feedback_example_gen.cutoffs import SCORE
from components.monitor.causes import explain_change
from components.monitor.config import MonitorConfig
from components.monitor.contributions import keep_contributions, keep_up_contributions
from components.monitor.events import tell_events
from components.monitor.monitored_run import MonitoredRun, Noticed, Step
from components.monitor.run_checks import checks_of_run
from components.monitor.watch import watch
from components.registry.input_properties import ExamplesProperties
from components.registry.monitoring_properties import MonitoringProperties
from components.registry.node_costs import read_costs
from components.registry.published_properties import PublishedScoresProperties
from components.registry.rule_files import scored_by

Artifacts = dict[str, list[types.Artifact]]

CHAINS: Final[tuple[tuple[Step, ...], ...]] = (
    (watch,),
    (keep_contributions, tell_events, keep_up_contributions),
    (explain_change,),
)
"""Steps of one chain are taken in their order, chains beside each other: most of the time a step
waits for the database. One that fails does not hold back the others."""


class Executor(base_executor.BaseExecutor):
    """Takes the steps for one run."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the component.

        Args:
            input_dict:
                - examples, statistics, trained_statistics, decision, model, scores: As component.py
                  declares.
            output_dict:
                - monitoring: Monitoring.
            exec_properties: As component.py declares.

        Raises:
            TensInsightError: The first step that failed; the scores are published all the same.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        run_id = (self._context.pipeline_run_id if self._context else None) or ""
        run = _monitored_run(input_dict, exec_properties, run_id)
        noticed = take_steps(CHAINS, run)
        MonitoringProperties(
            as_of=run.published.as_of,
            publication_id=run.published.publication_id,
            measures=noticed.measures,
            alarms=noticed.alarms or None,
            notes=noticed.notes or None,
        ).write(artifact_utils.get_single_instance(output_dict["monitoring"]))


def take_steps(chains: tuple[tuple[Step, ...], ...], run: MonitoredRun) -> Noticed:
    """Takes all steps, and returns what they noticed, in the order of the chains.

    Raises:
        Exception: Of the first step that failed, after the others were taken. An error of ours
            says that the scores are published.
    """
    noticed, failures = Noticed(), []
    with ThreadPoolExecutor(len(chains)) as pool:
        for found in pool.map(partial(_taken, run=run), chains):
            for one in found:
                if isinstance(one, Noticed):
                    noticed += one
                else:
                    failures.append(one)
    if not failures:
        return noticed
    first = failures[0]
    if not isinstance(first, TensInsightError):
        raise first
    number = run.published.publication_id
    raise type(first)(
        f"The scores are published (publication {number}) and stay so; monitoring them failed: "
        f"{first}"
    )


def _taken(chain: tuple[Step, ...], run: MonitoredRun) -> list[Noticed | Exception]:
    """Takes the steps of one chain; returns what each noticed, or the error that ended it."""
    found: list[Noticed | Exception] = []
    for step in chain:
        try:
            found.append(step(run))
        except Exception as error:
            logging.error("Monitor: %s failed", step.__name__, exc_info=error)
            found.append(error)
    return found


def _monitored_run(inputs: Artifacts, exec_properties: dict[str, Any], run_id: str) -> MonitoredRun:
    examples = artifact_utils.get_single_instance(inputs["examples"])
    scores = artifact_utils.get_single_instance(inputs["scores"])
    champion = scored_by(inputs.get("model") or [], scores)
    checks, known_words = checks_of_run(inputs, exec_properties)
    return MonitoredRun(
        run_id=run_id,
        data=ExamplesProperties.read(examples),
        examples=artifact_utils.get_split_uri([examples], SCORE),
        checks=checks,
        known_words=known_words,
        published=PublishedScoresProperties.read(scores),
        scores=scores.uri,
        champion=champion.properties,
        model=champion.folder,
        costs=tuple(read_costs(exec_properties["pipeline_root"], run_id)),
        config=read_config(MonitorConfig, exec_properties),
    )
