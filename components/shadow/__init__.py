"""Models that score beside the champion and are never published; models compared by outcomes."""
