"""What each scheduler makes of an exit code, and with which rights it runs."""

import ast
import configparser
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from pipeline.cli import cli
from pipeline.exit_codes import (
    CONFIGURATION_INVALID,
    CONTRACT_BROKEN,
    DATABASE_UNREACHABLE,
    MEANINGS,
    NOT_WELL,
    PUBLICATION_REFUSED,
    STATE_DIRECTORY_BUSY,
    USAGE,
)
from pipeline.settings import SETTINGS, default_settings, variable

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs/deploy"
COMES_AGAIN = {DATABASE_UNREACHABLE, STATE_DIRECTORY_BUSY, NOT_WELL}
"""What a look for alerts ends with where the next one may do better."""


def _cron_jobs():
    """The specs of the Kubernetes CronJobs by name."""
    text = (DEPLOY / "kubernetes/tens-insight.yaml").read_text()
    jobs = [one for one in yaml.safe_load_all(text) if one["kind"] == "CronJob"]
    return {job["metadata"]["name"].removeprefix("tens-insight-"): job["spec"] for job in jobs}


@pytest.fixture(params=["auto", "alerts"])
def cron_job(request):
    return _cron_jobs()[request.param]


def _container(cron_job):
    [container] = cron_job["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return container


def test_kubernetes_tries_an_unreachable_database_again_and_nothing_else():
    cron_job = _cron_jobs()["auto"]
    assert _container(cron_job)["args"] == ["run", "auto", "--wait"]
    job = cron_job["jobTemplate"]["spec"]
    moved, failed = job["podFailurePolicy"]["rules"]
    assert moved["action"] == "Ignore"
    assert failed["action"] == "FailJob"
    assert failed["onExitCodes"] == {
        "containerName": _container(cron_job)["name"],
        "operator": "NotIn",
        "values": [DATABASE_UNREACHABLE],
    }
    assert job["backoffLimit"] > 0
    assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_kubernetes_runs_the_images_user_and_program_with_least_rights(cron_job):
    context = cron_job["jobTemplate"]["spec"]["template"]["spec"]["securityContext"]
    assert f"USER {context['runAsUser']}:{context['runAsGroup']}\n" in _dockerfile()
    assert context["runAsNonRoot"]
    container = _container(cron_job)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_kubernetes_mounts_what_the_image_writes(cron_job):
    mounted = {mount["mountPath"] for mount in _container(cron_job)["volumeMounts"]}
    volumes = re.findall(r"^VOLUME (\S+)$", _dockerfile(), re.MULTILINE)
    home = re.search(r"HOME=(\S+)", _dockerfile())[1]
    assert mounted == {*volumes, home}


@pytest.mark.parametrize("code", [0, *sorted(set(MEANINGS) - {0})])
def test_kubernetes_looks_for_alerts_and_comes_again_whatever_it_finds(code, tmp_path):
    container = _container(_cron_jobs()["alerts"])
    (tmp_path / "tens-insight").write_text(f"#!/bin/sh\necho $*\nexit {code}\n")
    (tmp_path / "tens-insight").chmod(0o755)
    done = subprocess.run(
        [*container["command"], *container["args"]],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "alerts check\n"
    assert done.returncode == (0 if code in COMES_AGAIN else code)


def test_kubernetes_ends_a_look_for_alerts_that_keeps_the_volume_but_not_one_that_waits_for_it():
    job = _cron_jobs()["alerts"]["jobTemplate"]["spec"]
    assert job["template"]["spec"]["activeDeadlineSeconds"] == 300
    assert "activeDeadlineSeconds" not in job


def test_systemd_tries_again_only_where_that_can_help():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "systemd/tens-insight-auto.service")
    prevented = {int(code) for code in unit["Service"]["RestartPreventExitStatus"].split()}
    assert prevented == set(MEANINGS) - {0, DATABASE_UNREACHABLE}
    assert unit["Service"]["Restart"] == "on-failure"
    assert unit["Service"]["ExecStart"].endswith("tens-insight run auto --wait")
    assert (DEPLOY / "systemd/tens-insight-auto.timer").exists()


def test_systemd_looks_for_alerts_and_comes_again_whatever_it_finds():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "systemd/tens-insight-alerts.service")
    assert unit["Service"]["ExecStart"].endswith("tens-insight alerts check")
    passed = {int(code) for code in unit["Service"]["SuccessExitStatus"].split()}
    assert passed == COMES_AGAIN
    assert (DEPLOY / "systemd/tens-insight-alerts.timer").exists()


def test_a_server_is_started_again_unless_a_setting_is_wrong_and_holds_no_run_off():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "systemd/tens-insight-serve.service")
    assert unit["Service"]["ExecStart"].endswith("tens-insight serve")
    prevented = {int(code) for code in unit["Service"]["RestartPreventExitStatus"].split()}
    assert prevented == {USAGE, CONFIGURATION_INVALID}
    text = (DEPLOY / "kubernetes/serve.yaml").read_text()
    kinds = {one["kind"]: one for one in yaml.safe_load_all(text)}
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["args"] == ["serve"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    [port] = container["ports"]
    [opened] = kinds["Service"]["spec"]["ports"]
    assert opened["targetPort"] == port["name"]
    assert port["containerPort"] == default_settings().serving.serve_port
    assert {
        container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")
    } == {
        "/healthz",
        "/readyz",
    }
    known = {variable(name) for name in SETTINGS}
    named = {one["name"] for one in container["env"]}
    assert {one for one in named if one.startswith("TENS_INSIGHT_")} <= known


def test_systemd_starts_the_stream_again_where_that_can_help():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "systemd/tens-insight-stream.service")
    prevented = {int(code) for code in unit["Service"]["RestartPreventExitStatus"].split()}
    assert prevented == {USAGE, CONFIGURATION_INVALID, CONTRACT_BROKEN, PUBLICATION_REFUSED}
    assert unit["Service"]["ExecStart"].endswith("tens-insight stream")


def test_kubernetes_streams_with_the_rights_of_a_run():
    text = (DEPLOY / "kubernetes/stream.yaml").read_text()
    deployment = yaml.safe_load(text)["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    pod = deployment["template"]["spec"]
    run = _cron_jobs()["auto"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["securityContext"] == run["securityContext"]
    assert [one for one in pod["volumes"] if one["name"] != "kafka"] == run["volumes"]
    # An installation that does not stream from Kafka has no such secret.
    (kafka,) = [one["secret"] for one in pod["volumes"] if one["name"] == "kafka"]
    assert kafka["optional"] is True
    [container], [of_run] = pod["containers"], run["containers"]
    assert container["args"] == ["stream"]
    for name in ("image", "envFrom", "securityContext"):
        assert container[name] == of_run[name]
    mounts = [one for one in container["volumeMounts"] if one["name"] != "kafka"]
    assert mounts == of_run["volumeMounts"]
    environment = [one for one in container["env"] if "KAFKA" not in one["name"]]
    assert environment == of_run["env"]
    for one in container["env"][len(environment) :]:
        assert one["valueFrom"]["secretKeyRef"]["optional"] is True


def test_airflow_runs_commands_that_exist_and_knows_the_code():
    tree = ast.parse((DEPLOY / "airflow/tens_insight_dags.py").read_text())
    lists = [node for node in ast.walk(tree) if isinstance(node, ast.List)]
    words = [[one.value for one in node.elts if isinstance(one, ast.Constant)] for node in lists]
    called = [found for found in words if found[:1] in (["run"], ["alerts"])]
    assert called == [["run", "auto", "--wait"], ["alerts", "check"]]
    assert all(
        cli.get_command(None, first).get_command(None, second) for first, second, *_ in called
    )
    assert f"COMES_AGAIN = (DATABASE_UNREACHABLE, {STATE_DIRECTORY_BUSY}, {NOT_WELL})\n" in (
        ast.unparse(tree)
    )
    assert f"DATABASE_UNREACHABLE = {DATABASE_UNREACHABLE}\n" in ast.unparse(tree) + "\n"


def test_compose_hands_settings_to_the_image_where_it_writes():
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert set(compose["services"]) == {"once", "auto", "alerts", "serve", "stream"}
    for service in compose["services"].values():
        assert service["env_file"] == ".env"
        assert service["read_only"]
        assert service["volumes"] == [f"state:{service['environment']['TENS_INSIGHT_STATE_DIR']}"]
        assert service["networks"] == ["goinsight"]
    assert compose["networks"]["goinsight"]["external"]
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert ".env" in ignored


def _dockerfile():
    return (ROOT / "Dockerfile").read_text()
