"""One error shape: RFC 9457 problem documents."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler, set_rollback

from crm.errors import Conflict, Forbidden, Invalid, NotFound

CONTENT_TYPE = "application/problem+json"
# Keys under which the framework and the domain put what concerns the whole.
WHOLE = ("detail", api_settings.NON_FIELD_ERRORS_KEY, "__all__")

logger = logging.getLogger(__name__)


def problem_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn an exception, of the domain, of the framework or unforeseen, into a problem document."""
    response = exception_handler(_translate(error), context)
    if response is None:
        return _unforeseen(error, context)
    if location := getattr(error, "location", ""):
        response["Location"] = location
    detail, errors = _words_of(response.data)
    way = getattr(error, "way", "")
    more = {"way": way} if way else {}
    return problem(response.status_code, detail, errors=errors, headers=response.headers, **more)


def problem(
    status: int, detail: str, *, errors: dict[str, Any] | None = None, headers: Any = None, **more: Any
) -> Response:
    """A problem document as an answer; `more` are members of its own kind."""
    data = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": detail}
    if errors:
        data["errors"] = errors
    return Response(data | more, status=status, headers=headers, content_type=CONTENT_TYPE)


def _unforeseen(error: Exception, context: dict[str, Any]) -> Response:
    """An error of ours: noted in full for those who run Baton, told without particulars to those who use it."""
    request = context.get("request")
    logger.error("%s failed.", getattr(request, "path", "A request"), exc_info=error)
    got_request_exception.send(sender=None, request=getattr(request, "_request", None))
    set_rollback()
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, _("Something went wrong on our side. It was noted; nothing was changed.")
    )


def _translate(error: Exception) -> Exception:
    """A domain error as the framework's own, so that transactions and headers are handled in one way."""
    if isinstance(error, NotFound):
        return exceptions.NotFound(str(error))
    if isinstance(error, Http404):
        # The framework's own words name the model; absent and forbidden are to look alike.
        return exceptions.NotFound()
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
        return str(_first(data["detail"])), None
    if isinstance(data, dict):
        return sentence_of(data), data
    return str(_first(data)), None


def sentence_of(errors: Any) -> str:
    """Errors by field as one line of text, each led by where it is."""
    return "; ".join(_sentences(errors, where=""))


def _sentences(errors: Any, *, where: str) -> list[str]:
    if isinstance(errors, dict):
        return [
            sentence
            for field, value in errors.items()
            for sentence in _sentences(value, where=where if field in WHOLE else f"{where}.{field}".lstrip("."))
        ]
    return [f"{where}: {_first(errors)}" if where else str(_first(errors))]


def _first(value: Any) -> Any:
    """The first sentence in whatever nesting the framework gives."""
    while isinstance(value, list | dict) and value:
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
    return value
