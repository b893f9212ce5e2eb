"""The pictures of the pages, each of them from the numbers of its table."""
