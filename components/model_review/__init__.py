"""ModelReview: the evaluation report of a run, as one HTML file and as JSON."""
