"""Champion rule, and what artifacts in ML Metadata record."""
