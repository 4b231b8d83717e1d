"""Checks of arrays and devices, and protection from others' settings. PatchCore can be understood without them."""
