"""Templates of the report and of the comparison."""
