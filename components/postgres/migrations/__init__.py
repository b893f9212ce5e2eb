"""The migrations, numbered .sql files, applied in the order of their names."""
