"""A company at work, to be looked at: three months of it, lived through the real flows up to now.

The dice fall the same way at every start; every time is counted back from now, so that whoever starts the demo on a
Sunday night finds the same open work as on a Tuesday morning.
"""

from crm.demo.company import make_demo

__all__ = ["make_demo"]
