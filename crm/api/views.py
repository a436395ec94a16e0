"""What every resource of the API is made of."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.exceptions import APIException, NotFound
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import APIRootView
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from crm.api.permissions import HasRole


class LengthRequired(APIException):
    """A body came in chunks, without its length."""

    status_code = HTTPStatus.LENGTH_REQUIRED
    default_detail = gettext_lazy("Send the body with its Content-Length, not in chunks.")


class Moved(APIException):
    """What the address named is at another one now, for good; the same request may be sent there."""

    status_code = HTTPStatus.PERMANENT_REDIRECT
    default_detail = gettext_lazy("This is at another address now.")

    def __init__(self, location: str, detail: str) -> None:
        super().__init__(detail)
        self.location = location


class Resource(GenericViewSet):
    """Rows of one kind, those that the person behind the request may see. Absent and forbidden look alike.

    A resource says in `rows` which these are, in `roles` what only some roles may do, and is read through
    `serializer_class`. Input has serializers of its own.
    """

    permission_classes: ClassVar = [IsAuthenticated, HasRole]
    http_method_names: ClassVar = ["get", "post", "patch", "delete", "head"]
    lookup_value_regex = "[0-9]{1,18}"
    metadata_class = None
    roles: ClassVar[dict[str, tuple[str, ...]]] = {}
    model: ClassVar[type[Model]]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # The framework takes a body of unannounced length for none at all, and would act as if nothing had been said.
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            raise LengthRequired()

    def rows(self) -> QuerySet:
        """The rows that `self.request.user` may see, with what the answer needs."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet:
        if getattr(self, "swagger_fake_view", False):  # the schema is made without anybody asking
            return self.model._default_manager.none()
        return self.rows()

    def found(self) -> Any:
        """The row that the address names. Raises `Http404`."""
        row = self.get_queryset().filter(pk=self.kwargs["pk"]).first()
        if row is None:
            raise Http404
        return row

    def get_object(self) -> Any:
        return self.found()

    def given(self, serializer_class: type[serializers.Serializer], *, partial: bool = False) -> dict[str, Any]:
        """The body, checked; raises a 400 that names the fields that are wrong."""
        serializer = serializer_class(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def answer(self, pk: int | None = None, *, status: int = 200) -> Response:
        """The row as it is now; one that its reader may not see any more still answers the one who changed it."""
        if pk is not None:
            self.kwargs["pk"] = pk
        row = self.get_queryset().filter(pk=self.kwargs["pk"]).first()
        if row is None:
            return Response(status=204)
        return Response(self.get_serializer(row).data, status=status)


class ReadOnlyResource(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """A resource with a list and single rows."""


class ListResource(mixins.ListModelMixin, Resource):
    """A resource with a list only."""


class Root(APIRootView):
    """The addresses of the resources."""

    metadata_class = None


class NothingHere(APIView):
    """Whatever address below the API leads nowhere."""

    authentication_classes: ClassVar[list[type]] = []
    permission_classes: ClassVar = [AllowAny]
    metadata_class = None
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not request.path.endswith("/"):
            raise NotFound(_("There is nothing at this address. Addresses of this API end with a slash."))
        raise NotFound(_("There is nothing at this address."))


def verb(request: type[serializers.Serializer] | None, response: Any, description: str, status: int = 200) -> Any:
    """Describe a verb of a resource to the schema."""
    return extend_schema(request=request, responses={status: response}, description=description)
