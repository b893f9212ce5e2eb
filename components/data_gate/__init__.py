"""DataGate: stops a run whose data cannot be trusted."""
