"""What the domain can say no with. Interfaces turn these into 404, 403, 409 and 400 or 422."""

from __future__ import annotations


class DomainError(Exception):
    """Base of every refusal; its text is a sentence for the person who asked."""


class NotFound(DomainError):
    """There is no such thing, or it is not yours to see: both look alike."""


class Forbidden(DomainError):
    """It is yours to see but not to do."""


class Conflict(DomainError):
    """Somebody was first, or the thing is no longer in the state this needs."""


class Invalid(DomainError):
    """The input is wrong; `field` names where, empty for the whole."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
