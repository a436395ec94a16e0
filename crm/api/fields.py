"""The fields that more than one resource is made of."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.api.parsers import depth_exceeds, unstorable
from crm.models import User

FIRST, LAST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
MAX_ID = 2**63 - 1
MAX_COMMENT = 5000


class InstantField(serializers.DateTimeField):
    """An instant, answered in UTC; given without an offset it is UTC. Years 1970 to 2099."""

    default_error_messages = {"years": _("Give an instant of the years 1970 to 2099.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=dt.UTC, **kwargs)

    def to_internal_value(self, value: Any) -> dt.datetime:
        instant: dt.datetime = super().to_internal_value(value)
        if not FIRST <= instant < LAST:
            self.fail("years")
        return instant


class IdField(serializers.IntegerField):
    """The id of a row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_ID, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool | float):
            self.fail("invalid")
        number: int = super().to_internal_value(data)
        return number


class PersonField(serializers.EmailField):
    """A colleague, by e-mail address."""

    def to_representation(self, value: User) -> str:
        return value.email


class CodeField(serializers.CharField):
    """A row that is known by a code, such as a reason or a source."""

    def to_representation(self, value: Any) -> str:
        return str(value.code)


class NameField(serializers.CharField):
    """A row that is known by its name, such as a team or a campaign."""

    def to_representation(self, value: Any) -> str:
        return str(value.name)


class CommentField(serializers.CharField):
    """Free text that goes with a verb."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_blank": True, "default": "", "max_length": MAX_COMMENT} | kwargs)


class ReasonField(serializers.CharField):
    """The code of a counted reason; the verb itself says which are known and whether one is needed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_blank": True, "default": "", "max_length": 120} | kwargs)


class JsonField(serializers.JSONField):
    """A value of JSON of a bounded size and depth, without anything that a database could not keep.

    `kind` is dict or list, None for either; `max_chars` counts it written out.
    """

    default_error_messages = {
        "object": _("Give an object."),
        "list": _("Give a list."),
        "deep": _("This is nested more than {max_depth} times."),
        "long": _("This is longer than {max_chars} characters."),
    }

    def __init__(self, *, kind: type | None = None, max_chars: int = 20_000, max_depth: int = 8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind, self.max_chars, self.max_depth = kind, max_chars, max_depth

    def to_internal_value(self, data: Any) -> Any:
        if self.kind is not None and not isinstance(data, self.kind):
            self.fail("object" if self.kind is dict else "list")
        if depth_exceeds(data, self.max_depth):
            self.fail("deep", max_depth=self.max_depth)
        problem = unstorable(data)
        if problem:
            raise serializers.ValidationError(problem)
        if len(json.dumps(data)) > self.max_chars:
            self.fail("long", max_chars=self.max_chars)
        return data


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(JsonField):
    """A `JsonField` that is an object."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(kind=dict, **kwargs)


class RowSerializer(serializers.ModelSerializer):
    """What a row looks like from outside; instants in UTC, whoever asks."""

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.DateTimeField: InstantField
    }
