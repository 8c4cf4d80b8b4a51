#!/usr/bin/env python3
"""Holds messages to the JSON schemas of docs/reference/mqtt, and the schemas to what they promise.

usage: ci/mqtt/check_messages.py FILE
FILE has a topic, a space and a message in every line. Needs jsonschema (Debian: python3-jsonschema).
"""

import collections
import copy
import json
import pathlib
import sys

import jsonschema

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "reference" / "mqtt"
SUFFIX = ".schema.json"


def closed(schema):
    """The schema without room for fields that it does not name: a receiver has to accept them, this program sends none."""
    schema = copy.deepcopy(schema)
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if "properties" in part:
            part["additionalProperties"] = False
            waiting.extend(part["properties"].values())
    return schema


def main():
    validators = {}
    for path in sorted(FOLDER.glob("*" + SUFFIX)):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[path.name.removesuffix(SUFFIX)] = jsonschema.Draft202012Validator(closed(schema))
    seen, faults = collections.Counter(), []
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        topic, _, text = line.partition(" ")
        name = topic.rpartition("/")[2]
        if name not in validators:
            # A test plays another client, which publishes to `other`.
            if topic != "other":
                faults.append(f"{topic}: no schema of that name")
            continue
        message, validator = json.loads(text), validators[name]
        seen[name, message.get("state")] += 1
        faults += [f"{topic}: {text}: {error.message}" for error in validator.iter_errors(message)]
        # Each field that the schema demands is missed, and a field that it does not name is found.
        wrong = [{key: value for key, value in message.items() if key != missing} for missing in message]
        wrong.append({**message, "nonsense": 1})
        faults += [f"{topic}: the schema accepts {change}" for change in wrong if validator.is_valid(change)]
    states = {"starting", "running", "held", "fault", "stopped", "offline"}
    wanted = {("verdict", None), ("info", None), ("result", None)} | {("state", state) for state in states}
    faults += [f"no message was seen for {kind}" for kind in sorted(wanted - seen.keys(), key=str)]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{sum(seen.values())} messages fit {len(validators)} schemas" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
