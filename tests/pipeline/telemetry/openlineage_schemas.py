"""The schemas that the OpenLineage project publishes; no network is asked."""

import json
from pathlib import Path

import jsonschema
from referencing import Registry, Resource

FOLDER = Path(__file__).parent / "openlineage"
SCHEMAS = [json.loads(path.read_text()) for path in FOLDER.rglob("*.json")]
REGISTRY = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS
)


def validate(event):
    """Holds an event, and each of its facets, against the schema that it names."""
    check(event, event["schemaURL"])
    tables = [*event["inputs"], *event["outputs"]]
    own = [one.get("inputFacets", {}) | one.get("outputFacets", {}) for one in tables]
    holders = [event["run"]["facets"], event["job"]["facets"], *own]
    for facets in (*holders, *(one["facets"] for one in tables)):
        for name, facet in facets.items():
            check(facet, facet["_schemaURL"])
            whole, _, _ = facet["_schemaURL"].partition("#")
            assert name in REGISTRY.contents(whole)["properties"]


def check(value, reference):
    validator = jsonschema.Draft202012Validator(
        {"$ref": reference},
        registry=REGISTRY,
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
    validator.validate(value)
