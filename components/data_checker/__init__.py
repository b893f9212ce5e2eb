"""DataChecker: whether the data of a run can be trusted, check by check."""
