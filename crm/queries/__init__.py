"""Reads that cross apps: what the pages and reports show."""
