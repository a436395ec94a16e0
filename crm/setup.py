"""Whether an embedded installation's demo stands, half stands, or was never asked for. Knows nothing of Django.

A file says it, not a row: it must outlive a database that is remade, and the web asks it at every request.
"""

from pathlib import Path


def _marker(data_dir: Path) -> Path:
    return data_dir / "demo.pending"


def begin_demo(*, data_dir: Path) -> None:
    """Say that the demo is being made, until `finish_demo`: also after a crash."""
    _marker(data_dir).touch()


def finish_demo(*, data_dir: Path) -> None:
    """Say that the demo stands."""
    _marker(data_dir).unlink(missing_ok=True)


def is_demo_pending(*, data_dir: Path) -> bool:
    """Whether a demo was begun and does not stand yet."""
    return _marker(data_dir).exists()
