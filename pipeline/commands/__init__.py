"""The commands of `tens-insight`, one file each; heavy imports stay inside them."""
