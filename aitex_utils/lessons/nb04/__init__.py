"""Notebook 04, coreset sampling."""
