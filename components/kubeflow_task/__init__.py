"""Runs executors on Kubeflow Pipelines and Vertex as the local runner does.

There the container entry point of TFX calls an executor without drivers, resolvers or ML
Metadata of ours. Here is what it calls in place of each executor: it does around the
executor what the local runner would.
"""
