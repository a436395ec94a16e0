"""The page that shows every shared part in every state."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm import style_guide


@require_safe
def style_guide_page(request: HttpRequest) -> HttpResponse:
    """Show the parts with sample figures; it reads nothing from the database."""
    samples = style_guide.samples(now=timezone.now(), is_submitted="errors" in request.GET)
    return render(request, "style_guide/page.html", samples)
