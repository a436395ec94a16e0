"""`docs/`: the schema as a page on which the API can be tried."""

from drf_spectacular.views import SpectacularSwaggerSplitView


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI; its script comes from an address of its own, as the Content-Security-Policy wants it."""

    url_name = "schema"
    template_name = "api/docs.html"
