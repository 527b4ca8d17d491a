"""Holds every line of standard input against the schema of OCSF 1.5.0: attributes, types, enums, what is required.

Prints how many events of which class and activity it saw.
"""

import collections
import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.5.0"))
validators = {}
seen = collections.Counter()
wrong = collections.Counter()
for line in sys.stdin:
    event = json.loads(line)
    profiles = event["metadata"]["profiles"]
    key = (event["class_uid"], *profiles)
    if key not in validators:
        of_class = schema.get_class_schema(schema.lookup_class_name_from_uid(event["class_uid"]), profiles)
        jsonschema.Draft202012Validator.check_schema(of_class)
        validators[key] = jsonschema.Draft202012Validator(of_class)
    for error in validators[key].iter_errors(event):
        wrong[f"{error.json_path}: {error.message[:300]}"] += 1
    assert event["metadata"]["version"] == "1.5.0"
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    seen[event["class_uid"], event["activity_id"]] += 1
for (class_uid, activity), count in sorted(seen.items()):
    print(class_uid, activity, count)
for what, count in wrong.most_common(20):
    print(f"{count} times {what}", file=sys.stderr)
sys.exit(1 if wrong else 0)
