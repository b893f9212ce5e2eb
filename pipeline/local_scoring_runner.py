"""Runs the scoring pipeline on this machine: entry file for the tfx CLI."""

from pipeline import scoring
from pipeline.local_runner import run_from_environment
from pipeline.runs.record import SCORE

if __name__ == "__main__":
    run_from_environment(SCORE, scoring.create_pipeline)
