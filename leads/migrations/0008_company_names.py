"""A company's name stands once, however it is written."""

import django.utils.timezone
from django.db import migrations, models

import leads.models.contacts
from leads.names import LONGEST, company_key, company_name

FILLED = ("domain", "tax_number", "industry", "employees", "annual_revenue", "country", "city")
TELLING = ("tax_number", "domain")


def name_once(apps, schema_editor):
    """Write the keys, and make one of companies whose names differ in case and blanks alone.

    Two that have different tax numbers or domains are two companies: the later one gets the number or domain behind
    its name. Else the first one stays, with what the later ones know beside it, and the scores of their contacts are
    looked at again by the sweep.
    """
    company = apps.get_model("leads", "Company")
    first: dict[str, object] = {}
    for row in company.objects.order_by("id").iterator():
        row.name = company_name(row.name) or f"{row.pk}"
        known = first.get(company_key(row.name))
        if known is not None and _is_same(known, row):
            _unite(apps, known, row)
            continue
        while company_key(row.name) in first:
            behind = f" ({row.tax_number or row.domain or row.pk})"
            behind = behind if not row.name.endswith(behind) else f" ({row.pk})"
            row.name = row.name[: LONGEST - len(behind)] + behind
        row.save(update_fields=["name", "name_key"])
        first[row.name_key] = row
    if schema_editor.connection.vendor == "postgresql":
        # What is deferred to the end would keep the table from being altered below.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _is_same(known, row):
    return all(not getattr(known, name) or getattr(row, name) in ("", getattr(known, name)) for name in TELLING)


def _unite(apps, known, row):
    gained = [name for name in FILLED if getattr(known, name) in ("", None) and getattr(row, name) not in ("", None)]
    for name in gained:
        setattr(known, name, getattr(row, name))
    known.save(update_fields=gained)
    for relation in row._meta.related_objects:
        relation.related_model.objects.filter(**{relation.field.name: row}).update(**{relation.field.name: known})
    now = django.utils.timezone.now()
    apps.get_model("scoring", "Score").objects.filter(contact__company=known).update(next_check_at=now)
    row.delete()


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0007_contacts_that_follow"),
        ("scoring", "0004_held_promotions"),
    ]

    operations = [
        migrations.AddField(
            model_name="company",
            name="name_key",
            field=leads.models.contacts.NameKeyField(default="", editable=False, max_length=800),
            preserve_default=False,
        ),
        migrations.RunPython(name_once, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="company",
            constraint=models.UniqueConstraint(fields=["name_key"], name="company_name_once"),
        ),
    ]
