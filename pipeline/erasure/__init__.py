"""`tens-insight forget`: an account is removed from the database, the artifacts and the logs."""
