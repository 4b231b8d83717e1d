"""Notebook 08, PatchCore on fabric."""
