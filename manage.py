#!/usr/bin/env python
"""Baton's commands: `manage.py up` starts everything, `manage.py help` lists the rest."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Baton's packages are not installed: run `make run`, or `pip install -r requirements.txt`.")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
