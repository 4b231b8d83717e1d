"""Notebook 12: a folder of photographs to a report, a threshold with a promise, and drift."""
