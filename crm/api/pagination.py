"""One way of paging through every list of the API."""

from rest_framework import pagination


class CursorPagination(pagination.CursorPagination):
    """Newest first; `{"results": […], "next": …, "previous": …}`."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
