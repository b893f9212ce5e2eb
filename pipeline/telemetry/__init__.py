"""What is told about runs to those who watch them: metrics, pings, OpenLineage events."""
