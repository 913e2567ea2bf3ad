"""Scores of an embedding, as functions over arrays."""
