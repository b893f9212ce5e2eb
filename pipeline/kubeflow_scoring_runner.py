"""Compiles the scoring pipeline for Kubeflow Pipelines and Vertex: entry file for the tfx CLI."""

from pipeline import scoring
from pipeline.kubeflow_runner import compile_from_environment

if __name__ == "__main__":
    compile_from_environment(scoring)
