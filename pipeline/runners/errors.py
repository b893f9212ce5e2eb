"""What goes wrong with a cluster."""

from components.errors import TensInsightError


class ClusterUnusable(TensInsightError):
    """A cluster, or a part of it, cannot be started, reached or used."""
