"""Runs a compiled pipeline task by task, as Kubeflow Pipelines does, without a cluster.

What its driver and launcher do is done here: parameters and artifacts are resolved from the
spec and from what tasks before wrote, outputs are given places, the placeholders in the
command are filled in. Each task is the command of the spec, in a process of its own, in an
environment that holds the secrets of the platform spec and nothing else of ours. All but one
of these processes are forks of one that has TFX loaded.
"""

import os
import sys
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as proto

from tests.forked_command import run_fresh, run_module

EXECUTOR_INPUT = "{{$}}"
AT_ONCE = 2
IN_A_FRESH_PROCESS = "FeedbackExampleGen"
"""The task of each pipeline that runs as on a cluster: found on PATH, with nothing imported."""
JOB_ID = "{{$.pipeline_job_uuid}}"


@dataclass
class TaskEnded:
    """A task that was run."""

    name: str
    code: int
    log: str
    outputs: dict
    """RuntimeArtifacts by output key."""


@dataclass
class Emulator:
    """A cluster that knows one Kubernetes Secret.

    `secret` is its content; `root` takes the place of the pipeline root of the spec.
    """

    path: Path
    root: Path
    secret: dict
    spec: proto.PipelineSpec = field(init=False)
    ended: dict = field(default_factory=dict)

    def __post_init__(self):
        pipeline, self.platform = yaml.safe_load_all(self.path.read_text())
        self.spec = json_format.ParseDict(pipeline, proto.PipelineSpec())
        self.deployment = json_format.ParseDict(
            pipeline["deploymentSpec"], proto.PipelineDeploymentConfig()
        )

    def run(self, run_id, **parameters):
        """Runs every task that can run, two at once; returns those that ended, by name."""
        self.ended, running = {}, {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while True:
                for name in self._ready(running):
                    running[name] = pool.submit(self.run_task, name, run_id, parameters)
                waiting = [one for name, one in running.items() if name not in self.ended]
                if not waiting:
                    return self.ended
                wait(waiting, return_when=FIRST_COMPLETED)
                done = {name: one.result() for name, one in running.items() if one.done()}
                self.ended |= done

    def run_task(self, name, run_id, parameters):
        """Runs a task; one that ran before in this run is tried again."""
        given = self._executor_input(name, run_id, parameters)
        container = self.deployment.executors[self._component(name).executor_label].container
        text = json_format.MessageToJson(given)
        command = [
            text if part == EXECUTOR_INPUT else part
            for part in (*container.command, *container.args)
        ]
        done = self._run(command, self._environment(name), fresh=name == IN_A_FRESH_PROCESS)
        outputs = {key: found.artifacts[0] for key, found in given.outputs.artifacts.items()}
        if done.code == 0:
            self._update(outputs, given.outputs.output_file)
        return TaskEnded(name, done.code, done.out + done.err, outputs)

    def _run(self, command, environment, fresh):
        """Runs a command of the spec, by its own interpreter or as a fork of a warm one."""
        if fresh:
            return run_fresh(command, environment, self.root)
        assert command[:2] == ["python", "-m"]
        return run_module(command[2], command[3:], environment, self.root)

    def _ready(self, running):
        return [
            name
            for name in sorted(self.spec.root.dag.tasks)
            if name not in running and all(map(self._succeeded, self._before(name)))
        ]

    def _succeeded(self, name):
        return name in self.ended and self.ended[name].code == 0

    def _before(self, name):
        task = self.spec.root.dag.tasks[name]
        given = task.inputs.artifacts.values()
        producers = {one.task_output_artifact.producer_task for one in given}
        return sorted(producers | set(task.dependent_tasks))

    def _component(self, name):
        return self.spec.components[self.spec.root.dag.tasks[name].component_ref.name]

    def _executor_input(self, name, run_id, parameters):
        task, component = self.spec.root.dag.tasks[name], self._component(name)
        result = proto.ExecutorInput()
        for key, one in task.inputs.parameters.items():
            value = self._parameter(one, run_id, parameters)
            result.inputs.parameter_values[key].CopyFrom(value)
        for key, one in task.inputs.artifacts.items():
            source = one.task_output_artifact
            found = self.ended[source.producer_task].outputs[source.output_artifact_key]
            result.inputs.artifacts[key].artifacts.append(found)
        folder = self.root / self.spec.pipeline_info.name / run_id / name
        for key, one in component.output_definitions.artifacts.items():
            made = result.outputs.artifacts[key].artifacts.add(name=key, uri=str(folder / key))
            made.type.CopyFrom(one.artifact_type)
        result.outputs.output_file = str(folder / "executor_output.json")
        return result

    def _parameter(self, one, run_id, parameters):
        if name := one.component_input_parameter:
            if name in parameters:
                return struct_pb2.Value(string_value=parameters[name])
            return self.spec.root.input_definitions.parameters[name].default_value
        constant = one.runtime_value.constant
        if constant.string_value == JOB_ID:
            return struct_pb2.Value(string_value=run_id)
        return constant

    def _environment(self, name):
        config = self.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        (mount,) = config[self._component(name).executor_label]["secretAsEnv"]
        secrets = {one["envVar"]: self.secret[one["secretKey"]] for one in mount["keyToEnv"]}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.root), **secrets}

    def _update(self, outputs, output_file):
        told = json_format.Parse(Path(output_file).read_text(), proto.ExecutorOutput())
        for key, found in told.artifacts.items():
            (artifact,) = found.artifacts
            outputs[key].uri = artifact.uri or outputs[key].uri
            outputs[key].metadata.update(json_format.MessageToDict(artifact.metadata))
