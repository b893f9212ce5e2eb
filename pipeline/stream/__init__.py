"""`tens-insight stream`: a process that keeps scores fresh between two runs."""
