"""Programs of Debian that tests run where they are: CI has all of them."""

import os
import shutil

import pytest

PACKAGES = {
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "prometheus-pushgateway": "prometheus-pushgateway",
    "redis-server": "redis-server",
    "curl": "curl",
}
_REQUIRED = {"redis-server": "REQUIRE_REDIS", "curl": "REQUIRE_REDIS"}
"""Variables by which CI says that a program may not be missing; else REQUIRE_PROMETHEUS."""


def program(name: str) -> str:
    """Returns the path of a program; outside of CI a test without it is skipped."""
    found = shutil.which(name)
    if found is None:
        required = _REQUIRED.get(name, "REQUIRE_PROMETHEUS")
        assert not os.environ.get(required), f"{name} is missing: .ci/run installs it"
        pytest.skip(f"no {name}: apt-get install {PACKAGES[name]}")
    return found
