"""The OpenAPI 3.1 document, made from the same declarations as the routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import JsonSchemaMode, models_json_schema

import linkservice
from linkservice.api.door import PREFIX, Operation
from linkservice.api.problems import MEDIA_TYPE, ProblemDocument
from linkservice.api.values import Answer, Given
from linkservice.workspaces.access import SCOPES

Json = dict[str, Any]
"""A JSON object; its depth is not worth a type of its own."""

_REF = "#/components/schemas/{model}"
_ABOUT = """\
Ids are opaque strings, times are RFC 3339 in UTC, dates are local days of the workspace and
ranges include both ends. Lists come in pages: send `next_cursor` back as `cursor`. Every error
is a problem document: programs go by its `code` and the `code` of each of its `errors`.
Texts are stored trimmed and normalised (NFC), web addresses as browsers write them."""

_SIZE_HEADERS = {
    "X-QR-Size-Mm": {
        "description": "The true printed edge in millimetres, quiet zone included.",
        "schema": {"type": "number"},
    },
    "X-QR-Width-Px": {"description": "The edge in pixels.", "schema": {"type": "integer"}},
}


def document(operations: Sequence[Operation]) -> Json:
    """The whole document for these calls."""
    refs, schemas = _schemas(operations)
    paths: Json = {}
    for operation in operations:
        path = paths.setdefault(PREFIX + operation.path, {})
        path[operation.method.lower()] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "linkservice",
            "version": linkservice.__version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                str(status): {
                    "description": HTTPStatus(status).phrase,
                    "content": {MEDIA_TYPE: {"schema": refs[ProblemDocument]}},
                }
                for status in (400, 401, 403, 404, 409, 413, 415, 422, 503)
            },
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"An API key; its scopes are of {', '.join(SCOPES)}.",
                }
            },
        },
    }


def _schemas(operations: Sequence[Operation]) -> tuple[dict[type, Json], Json]:
    """A reference for each model, and the schemas the references lead to."""
    asked: list[tuple[type[Given] | type[Answer], JsonSchemaMode]] = [
        (ProblemDocument, "serialization")
    ]
    for operation in operations:
        if operation.has_body:
            asked.append((operation.takes, "validation"))
        if isinstance(operation.answers, type):
            asked.append((operation.answers, "serialization"))
    found, definitions = models_json_schema(list(dict.fromkeys(asked)), ref_template=_REF)
    names = {name: _public_name(name) for name in definitions["$defs"]}
    assert len(set(names.values())) == len(names), "two schemas share a name"
    renamed = _renamed(definitions["$defs"], names)
    refs = {model: _renamed(schema, names) for (model, _), schema in found.items()}
    return refs, {names[name]: schema for name, schema in renamed.items()}


def _public_name(name: str) -> str:
    """``LinkAnswer`` → ``Link``, ``Listed_LinkAnswer_`` → ``LinkList``."""
    name = re.sub(r"^Listed_(.+?)(?:Answer)?_$", r"\1List", name)
    return name.removesuffix("Answer")


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    """The schema with its references to the public names, and without pydantic's titles."""
    if isinstance(schema, list):
        return [_renamed(each, names) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {**schema, "$ref": _REF.format(model=names[schema["$ref"].rpartition("/")[2]])}
    return {
        key: _renamed(value, names)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


def _operation(operation: Operation, refs: dict[type, Json]) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Scope: `{operation.scope}`.",
        "tags": [operation.tag],
        "security": [{"key": [operation.scope]}],
        "parameters": _parameters(operation),
        "responses": {str(operation.status): _success(operation, refs), **_errors(operation)},
    }
    if operation.repeatable and isinstance(operation.answers, type):
        described["responses"]["200"] = {
            "description": "It was there before, and is as it was.",
            "content": {"application/json": {"schema": refs[operation.answers]}},
        }
    if operation.has_body:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": refs[operation.takes]}},
        }
    if operation.is_picture:
        described["responses"]["304"] = {"description": "Not changed since the `ETag` sent."}
    return described


def _parameters(operation: Operation) -> list[Json]:
    found: list[Json] = []
    if operation.has_id:
        found.append(
            {
                "name": "id",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1},
            }
        )
    if operation.has_body:
        return found
    query = operation.takes.model_json_schema()
    for name, schema in query.get("properties", {}).items():
        schema = _renamed(schema, {})
        # In a query, null is what is left out.
        if schema.get("default", "") is None:
            [schema] = [each for each in schema["anyOf"] if each != {"type": "null"}]
        found.append({"name": name, "in": "query", "required": False, "schema": schema})
    return found


def _success(operation: Operation, refs: dict[type, Json]) -> Json:
    success: Json = {"description": HTTPStatus(operation.status).phrase}
    if isinstance(operation.answers, str):
        binary = {"contentMediaType": operation.answers}
        success["content"] = {operation.answers: {"schema": binary}}
        if operation.is_picture:
            success["headers"] = _SIZE_HEADERS
    elif operation.answers is not None:
        success["content"] = {"application/json": {"schema": refs[operation.answers]}}
        if operation.status == 201 and "id" in operation.answers.model_fields:
            success["headers"] = {
                "Location": {
                    "description": "The path of what was made.",
                    "required": True,
                    "schema": {"type": "string"},
                }
            }
    return success


def _errors(operation: Operation) -> Json:
    statuses = [401, 403, 422, 503]
    if operation.has_body:
        statuses += [400, 413, 415]
    if operation.has_id or operation.refers:
        statuses.append(404)
    if operation.conflicts:
        statuses.append(409)
    return {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)
    }
