"""What `db check` and the start of every run ask of the database, in one list of checks."""
