"""Runs a pipeline on this machine, from preflight to summary."""
