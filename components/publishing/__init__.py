"""Publishes rows to the output tables, keeps their history, and undoes."""
