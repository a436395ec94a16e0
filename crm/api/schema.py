"""What the OpenAPI schema says of every operation alike."""

from __future__ import annotations

from typing import Any

from crm.api.problems import CONTENT_TYPE

PROBLEM = {
    "type": "object",
    "description": "A problem document of RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence that says what to do."},
        "errors": {"type": "object", "description": "The sentences by the field at fault, for invalid input."},
        "way": {"type": "string", "description": "Where to do first what is in the way of it, if anything is."},
    },
    "required": ["type", "title", "status", "detail"],
}


def add_problems(result: dict[str, Any], generator: object, request: object, public: bool) -> dict[str, Any]:
    """Let every operation answer with a problem document when it refuses."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    answer = {
        "description": "It was refused, or it failed; nothing was changed.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].setdefault("default", answer)
    return result
