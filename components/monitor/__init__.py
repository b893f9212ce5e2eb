"""Monitor: what a publication looks like beside those before it, and whether that is unusual."""
