"""The page of the monitor: one HTML file that needs no other."""
