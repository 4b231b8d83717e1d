"""Exercises, quiz, figures and measurements of notebook 07, honest evaluation."""
