"""One way of paging through every list of the API."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework import pagination
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request


class CursorPagination(pagination.CursorPagination):
    """Newest first; `{"results": […], "next": …, "previous": …}`."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_page_size(self, request: Request) -> int:
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        if not (given.isascii() and given.isdecimal() and len(given) < 10 and int(given) > 0):
            raise ValidationError({self.page_size_query_param: [_("Give a whole number from 1.")]})
        return min(int(given), self.max_page_size)

    def decode_cursor(self, request: Request) -> pagination.Cursor | None:
        wrong = ValidationError({self.cursor_query_param: [_("This cursor is not one that a list has given.")]})
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise wrong from None
        if cursor is not None and cursor.position is not None and not self.is_position(cursor.position):
            raise wrong
        return cursor

    def is_position(self, text: str) -> bool:
        """Whether a cursor's position can be compared with the column that orders the list."""
        return text.isascii() and text.isdecimal() and len(text) < 19


class CodePagination(CursorPagination):
    """By code, for short lists of codes."""

    ordering = "code"
    page_size = 500

    def is_position(self, text: str) -> bool:
        return "\x00" not in text


class OldestFirstPagination(CursorPagination):
    """By id, for short lists that have an order of their own."""

    ordering = "id"
    page_size = 500
