"""Exercises, quiz, figures and helpers of notebook 11, more data than one machine."""
