"""Exercises, quiz, figures and helpers of notebook 10, the experiment bench."""
