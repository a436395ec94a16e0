"""The folder of test data that lies outside the repository, named by BATON_DATA."""

import os
from pathlib import Path

import pytest
from django.conf import settings

DATA = Path(os.environ.get("BATON_DATA") or settings.BASE_DIR.parent / "shared" / "data")


def needs(folder: str) -> pytest.MarkDecorator:
    """Skip where the folder of test data does not hold `folder`."""
    reason = f"{DATA / folder} is absent; BATON_DATA names the folder that holds it."
    return pytest.mark.skipif(not (DATA / folder).is_dir(), reason=reason)
