"""The questions of a reviewer, in their order, and what answers them."""
