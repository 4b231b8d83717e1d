"""Exact accelerations that a first reader can skip: they change the time, not the method."""
