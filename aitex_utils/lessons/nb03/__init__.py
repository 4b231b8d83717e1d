"""Notebook 03, feature extraction."""
