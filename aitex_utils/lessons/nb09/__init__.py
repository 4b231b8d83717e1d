"""Exercises, quiz, figures and helpers of notebook 09, PatchCore and an autoencoder."""
