"""The session with Postgres and the contract of its tables; imports no other room."""
