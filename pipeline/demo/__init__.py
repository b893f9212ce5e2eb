"""A first run without a database at hand: an embedded Postgres and a simulated world."""
