"""Notebook 01, strips and tiles."""
