"""Checks of input arrays, and protection from other libraries' settings. PatchCore can be understood without them."""
