"""The page of the evaluation report: one HTML file that needs no other."""
