"""Templates that all pages share, and their style sheet."""
