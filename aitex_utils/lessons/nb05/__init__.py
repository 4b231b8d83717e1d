"""Notebook 05, FAISS."""
