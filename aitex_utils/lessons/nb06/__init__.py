"""Exercises, quiz, figures and descriptions of notebook 06, scoring and evaluation."""
