"""Models, runs and lineage as recorded in ML Metadata."""
