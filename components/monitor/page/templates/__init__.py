"""Template of the monitor's page."""
