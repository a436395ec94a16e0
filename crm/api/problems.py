"""One error shape: RFC 9457 problem documents."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from django.core.exceptions import PermissionDenied
from django.http import Http404

from crm.errors import Conflict, Forbidden, Invalid, NotFound

CONTENT_TYPE = "application/problem+json"


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception, of the domain or of the framework, into a problem document."""
    response = exception_handler(_translate(error), context)
    if response is None:
        return None
    status = response.status_code
    detail, errors = _words_of(response.data)
    response.data = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if errors:
        response.data["errors"] = errors
    response.content_type = CONTENT_TYPE
    return response


def _translate(error: Exception) -> Exception:
    """A domain error as the framework's own, so that transactions and headers are handled in one way."""
    if isinstance(error, NotFound):
        return Http404()
    if isinstance(error, Forbidden):
        return PermissionDenied(str(error))
    if isinstance(error, Conflict):
        conflict = exceptions.APIException(detail=str(error))
        conflict.status_code = HTTPStatus.CONFLICT
        return conflict
    if isinstance(error, Invalid):
        return exceptions.ValidationError({error.field or "detail": [str(error)]})
    return error


def _words_of(data: Any) -> tuple[str, dict[str, Any] | None]:
    """The sentence for people and, for invalid input, the errors by field."""
    if isinstance(data, dict) and set(data) == {"detail"}:
        detail = data["detail"]
        return (str(detail[0]) if isinstance(detail, list) else str(detail)), None
    if isinstance(data, dict):
        return "; ".join(f"{field}: {_first(value)}" for field, value in data.items()), data
    return str(_first(data)), {"items": data}


def _first(value: Any) -> Any:
    """The first sentence in whatever nesting the framework gives."""
    while isinstance(value, list | dict) and value:
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
    return value
