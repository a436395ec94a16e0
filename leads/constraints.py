"""A constraint that Django lacks: a deferred foreign key over several columns."""

from __future__ import annotations

from typing import Any

from django.db import models


class CompositeForeignKey(models.BaseConstraint):
    """`fields` together must stand in `to_columns` of `to_table` at commit; a NULL in any of them passes.

    Two of them, one each way, hold that a contact's stage and its open handoff always agree, whatever code
    wrote them and in whatever order. The target is named as the database knows it, since SQLite rebuilds a table
    from a copy of its model that stands alone.
    """

    def __init__(self, *, fields: list[str], to_table: str, to_columns: list[str], name: str) -> None:
        super().__init__(name=name)
        self.fields, self.to_table, self.to_columns = tuple(fields), to_table, tuple(to_columns)

    def _definition(self, model: Any, schema_editor: Any) -> str:
        quote = schema_editor.quote_name
        own = ", ".join(quote(model._meta.get_field(name).column) for name in self.fields)
        other = ", ".join(quote(name) for name in self.to_columns)
        return (
            f"CONSTRAINT {quote(self.name)} FOREIGN KEY ({own}) "
            f"REFERENCES {quote(self.to_table)} ({other}) DEFERRABLE INITIALLY DEFERRED"
        )

    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        return self._definition(model, schema_editor)

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        table = schema_editor.quote_name(model._meta.db_table)
        return f"ALTER TABLE {table} ADD {self._definition(model, schema_editor)}"

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: Any = None) -> None:
        """Nothing to say about one row alone: both rows are judged together, at commit."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CompositeForeignKey):
            return NotImplemented
        return self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash((self.name, self.fields, self.to_table, self.to_columns))

    def deconstruct(self) -> tuple[str, tuple[()], dict[str, Any]]:
        path = f"{type(self).__module__}.{type(self).__name__}"
        arguments = {
            "name": self.name,
            "fields": list(self.fields),
            "to_table": self.to_table,
            "to_columns": list(self.to_columns),
        }
        return path, (), arguments
