"""Slides of the notebooks and the handout, built from text and the solved notebooks' figures into pages and PDFs."""
