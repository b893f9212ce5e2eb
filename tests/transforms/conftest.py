"""Keeps what is computed eagerly here from tests elsewhere."""

import pytest
import tensorflow as tf


@pytest.fixture(autouse=True, scope="module")
def own_graph():
    """Transform notes tensors in the process's graph, also eager ones, which it cannot read."""
    yield
    tf.compat.v1.reset_default_graph()
