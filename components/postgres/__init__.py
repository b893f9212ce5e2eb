"""Everything that speaks to Postgres: connections, snapshot, COPY, migrations, publish."""
