"""Lists of contacts, companies and campaigns, with the counts beside them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower

from crm.models import User
from leads import services
from leads.models import Campaign, Company, Contact, Handoff, Touch
from leads.models.handoffs import HandoffQuerySet
from leads.outcomes import Outcome
from leads.stages import Stage

NAMES_OFFERED = 12

# Orders that the list knows, each with its reverse; a score is the stored one, as it was when it was last computed.
CONTACT_ORDERS = {
    "name": (Lower("last_name"), Lower("first_name"), "email"),
    "-name": (Lower("last_name").desc(), Lower("first_name").desc(), "-email"),
    "score": (F("score__value").asc(nulls_first=True),),
    "-score": (F("score__value").desc(nulls_last=True),),
    "stage": ("stage_at",),
    "-stage": ("-stage_at",),
    "activity": (F("last_activity_at").asc(nulls_first=True),),
    "-activity": (F("last_activity_at").desc(nulls_last=True),),
    "company": (F("company__name").asc(nulls_last=True),),
    "-company": (F("company__name").desc(nulls_last=True),),
}
NEWEST_FIRST = "-activity"


def contacts_listed(*, user: User, order: str = "") -> QuerySet[Contact]:
    """The contacts that `user` may see, in order, with what a row shows."""
    rows = Contact.objects.visible_to(user).select_related("company", "source", "owner")
    return rows.order_by(*CONTACT_ORDERS.get(order, CONTACT_ORDERS[NEWEST_FIRST]), "-id")


@dataclass(frozen=True)
class StageCount:
    """How many of the contacts that somebody sees are in a stage."""

    stage: Stage
    count: int


def stage_counts(*, user: User) -> list[StageCount]:
    """The visible contacts by stage, every stage named, in the order of the way through: one query."""
    rows = Contact.objects.visible_to(user).order_by().values_list("stage").annotate(Count("id"))
    found = dict(rows)
    return [StageCount(stage, found.get(stage.value, 0)) for stage in Stage]


def contact_with_email(*, user: User, email: str) -> Contact | None:
    """The contact known by this address, if there is one that `user` may see."""
    visible = Contact.objects.visible_to(user)
    found = services.find_by_email(visible, [email]) if email else {}
    return visible.select_related("company").filter(id__in=found.values()).first() if found else None


def company_names(*, user: User, text: str) -> list[str]:
    """Names of companies that contain `text`, those that begin with it first."""
    text = text.strip()
    if not text:
        return []
    rows = Company.objects.visible_to(user).filter(name__icontains=text).order_by(Lower("name"))
    names = list(dict.fromkeys(rows.values_list("name", flat=True)[:200]))
    return sorted(names, key=lambda name: not name.casefold().startswith(text.casefold()))[:NAMES_OFFERED]


def companies_listed(*, user: User) -> QuerySet[Company]:
    """The companies that `user` may see: `contact_count`, and `open_count` of contacts handed over or worked."""
    mine = Contact.objects.visible_to(user).filter(company=OuterRef("pk")).order_by().values("company")
    worked = Q(stage__in=[Stage.MQL, Stage.SQL, Stage.OPPORTUNITY])
    return Company.objects.visible_to(user).annotate(
        contact_count=Coalesce(Subquery(mine.annotate(n=Count("id")).values("n")), 0),
        open_count=Coalesce(Subquery(mine.filter(worked).annotate(n=Count("id")).values("n")), 0),
    )


def company_contacts(*, user: User, company: Company) -> QuerySet[Contact]:
    """Who works there, of those whom `user` may see: furthest along first."""
    rows = Contact.objects.visible_to(user).filter(company=company).select_related("company", "source", "owner")
    return rows.order_by("-stage_at", "-id")


@dataclass(frozen=True)
class Outcomes:
    """How many handed leads came to each of the three ends."""

    customer: int
    working: int
    unqualified: int

    @property
    def handed(self) -> int:
        return self.customer + self.working + self.unqualified


def outcomes_of(handoffs: HandoffQuerySet) -> Outcomes:
    """What became of these handoffs, those that were handed over; one query."""
    counts = {one.value: Count("pk", filter=Q(outcome=one.value)) for one in Outcome}
    return Outcomes(**handoffs.order_by().with_outcome().aggregate(**counts))


def campaigns_listed() -> QuerySet[Campaign]:
    """Campaigns with what they brought: `touch_count`, `contact_count`, and `handoff_count`, how many handoffs were
    formed of contacts who had met the campaign by then."""
    touches = Touch.objects.filter(campaign=OuterRef("pk")).order_by().values("campaign")
    handed = Handoff.objects.filter(
        contact__touches__campaign=OuterRef("pk"), contact__touches__at__lte=F("formed_at")
    ).order_by()
    return Campaign.objects.select_related("source").annotate(
        touch_count=Coalesce(Subquery(touches.annotate(n=Count("id")).values("n")), 0),
        contact_count=Coalesce(Subquery(touches.annotate(n=Count("contact", distinct=True)).values("n")), 0),
        handoff_count=Coalesce(
            Subquery(handed.values("contact__touches__campaign").annotate(n=Count("id", distinct=True)).values("n")),
            0,
        ),
    )
