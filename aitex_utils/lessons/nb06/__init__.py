"""Exercises, quiz and figures of notebook 06, from distances to scores."""
