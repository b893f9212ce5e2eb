"""A compiled spec as it is kept for review: what changes with every release is left out."""

import copy
import json
import re

STANDS_FOR = "(not kept)"
_OTHER_EVERY_TIME = ("settings", "custom_config", "code_version")


def normalised(documents):
    """Returns the documents of a spec without versions, schemas and settings that tests hold.

    What stands twice in a spec is kept once: the inputs of a component are also an argument
    of its container.
    """
    spec, platform = copy.deepcopy(documents)
    spec["sdkVersion"] = STANDS_FOR
    for task in spec["root"]["dag"]["tasks"].values():
        for name, given in task["inputs"].get("parameters", {}).items():
            if name in _OTHER_EVERY_TIME:
                given["runtimeValue"]["constant"] = STANDS_FOR
    for executor in spec["deploymentSpec"]["executors"].values():
        executor["container"]["args"] = [_short(one) for one in executor["container"]["args"]]
    return [_titles_alone(spec), platform]


def _short(argument):
    return STANDS_FOR if argument.startswith("{\n") else argument


def _titles_alone(node):
    """Keeps the title of each artifact's schema; the rest of it is TFX's."""
    if isinstance(node, list):
        return [_titles_alone(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "instanceSchema" in node:
        return re.search(r"title: (\S+)", node["instanceSchema"]).group(1)
    return {name: _titles_alone(one) for name, one in node.items()}


def inputs_arguments(spec):
    """Returns what each container is told of its inputs, by component."""
    found = {}
    for name, component in spec["components"].items():
        executor = spec["deploymentSpec"]["executors"][component["executorLabel"]]
        (text,) = [one for one in executor["container"]["args"] if one.startswith("{\n")]
        found[name] = json.loads(text)
    return found
