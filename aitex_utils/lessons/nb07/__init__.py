"""Exercises, quiz, figures and helpers of notebook 07, PatchCore and an autoencoder."""
