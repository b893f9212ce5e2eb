"""The embedded Postgres server, for where no database is named."""
