"""Pages to look at: what the database and the state directory say, read-only, for browsers."""
