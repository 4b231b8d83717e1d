"""Notebook 02, understanding PatchCore."""
