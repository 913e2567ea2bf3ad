"""Metrics of an embedding, as functions over arrays."""
