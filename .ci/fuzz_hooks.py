"""What .ci/fuzz needs beside the document: ids that exist, and answers held to
exactly what it names (clients must ignore more, a test must not)."""

import itertools
import os
import re

import schemathesis

REAL = {
    "/api/users/": {"id": "2"},
    "/api/conversations/": {"id": "1-2"},
    "/api/friends/": {"userId": "2"},
    "/api/friends/request/": {"id": "2-1"},
    "/api/notifications/": {"log": "u:1", "seq": "1"},
    "/api/groupchats/": {"id": os.environ.get("FUZZ_GROUP", ""), "userId": "2"},
}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    def close(value):
        if isinstance(value, dict):
            if value.get("type") == "object" and "properties" in value:
                value.setdefault("additionalProperties", False)
            for inner in value.values():
                close(inner)
        elif isinstance(value, list):
            for inner in value:
                close(inner)

    close(raw_schema)


keys = itertools.count()


def whole(value):
    """To JSON Schema 2.0 is an integer, to the API no id."""
    if isinstance(value, dict):
        return {name: whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def before_call(context, case, kwargs):
    """Takes back what is refused for reasons that no schema can state."""
    case.body = whole(case.body)
    if isinstance(case.body, dict) and case.body.get("userId") == 1:
        case.body["userId"] = 2  # oneself
    for name in ("memberIds", "userIds"):  # nobody
        if isinstance(case.body, dict) and isinstance(case.body.get(name), list):
            case.body[name] = [2 if type(v) is int and 3 < v < 2**53 else v for v in case.body[name]]
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[ -~]{1,255}", key):
        case.headers["Idempotency-Key"] = f"{next(keys)}{key}"[:255]  # used with another body
    if case.path == "/api/notifications" and "before" in (case.query or {}):
        case.query["before"] = "1700000000123-u:1/4"  # a position is opaque
    if (case.query or {}).get("before") and case.query.get("after"):
        del case.query["after"]  # a page is before one message or after one


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Three of four made-up ids become real ones: else nearly all answers are 404."""
    for start, real in REAL.items():
        if path_parameters and context.operation.path.startswith(start):
            for name, value in path_parameters.items():
                if real.get(name) and len(str(value)) % 4 != 3:
                    path_parameters[name] = real[name]
    return path_parameters
