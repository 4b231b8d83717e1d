"""Detectors to compare PatchCore with."""
