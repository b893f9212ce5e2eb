"""Packaging of Tens-Insight.

Dependencies stand in requirements/, one hashed lock for each supported stack of
TFX; installing the package itself therefore asks for nothing.
"""

from setuptools import find_packages, setup

setup(
    name="tens-insight",
    version="0.1.0",
    description="Account churn scores from customer feedback: a TFX pipeline on Postgres",
    python_requires=">=3.10",
    packages=find_packages(
        include=[
            f"{room}{below}"
            for room in ("pipeline", "components", "transforms", "serving_model")
            for below in ("", ".*")
        ]
    ),
    package_data={"": ["*.sql", "*.pbtxt", "*.j2", "*.css", "py.typed"]},
    entry_points={"console_scripts": ["tens-insight=pipeline.cli:main"]},
)
