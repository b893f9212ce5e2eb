"""What runs, and how it is started: settings, pipelines, runners, command line."""
