"""Reading bodies: JSON in UTF-8, of a bounded size and depth, and nothing that a database could not keep."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import IO, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

MAX_BYTES = 32 * 1024 * 1024  # 5,000 activities with their properties, and some
MAX_DEPTH = 32


class TooLarge(APIException):
    """The body is larger than anything this API takes."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = gettext_lazy("The body is larger than 32 MiB. Send it in several requests.")


class JSONParser(BaseParser):
    """Strict JSON. Whatever cannot be read is answered with 400 and a sentence, never with an error of ours."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: dict[str, Any] | None = None
    ) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise TooLarge()
        try:
            data = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
        except UnicodeDecodeError:
            raise ParseError(_("The body is not UTF-8.")) from None
        except RecursionError:
            raise ParseError(_("The body is nested too deeply.")) from None
        except ValueError as error:
            raise ParseError(_("The body is not JSON: %(error)s.") % {"error": error}) from None
        if depth_exceeds(data, MAX_DEPTH):
            raise ParseError(_("The body is nested too deeply."))
        return data


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def depth_exceeds(value: Any, limit: int) -> bool:
    """Whether lists and objects are nested in each other more than `limit` times."""
    level = [value] if isinstance(value, dict | list) else []
    for _depth in range(limit):
        if not level:
            return False
        level = [
            child
            for one in level
            for child in (one.values() if type(one) is dict else one)
            if type(child) is dict or type(child) is list  # what JSON makes, and asked so in half the time
        ]
    return bool(level)


def unstorable(value: Any) -> str:
    """A sentence saying what in a value read from JSON no database could keep; empty when all of it can be kept."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            if "\x00" in one:
                return _("Text holds a null character.")
            if not one.isascii() and any("\ud800" <= char <= "\udfff" for char in one):
                return _("Text holds half of a surrogate pair.")
        elif isinstance(one, float) and not math.isfinite(one):
            return _("A number is too large.")
        elif isinstance(one, dict):
            stack += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            stack += one
    return ""
