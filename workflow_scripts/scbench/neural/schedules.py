"""Weights of loss terms over the course of training."""

from __future__ import annotations

from collections.abc import Mapping

Schedule = tuple[float, float, float]  # weight, progress at which it sets in, progress at which it is full


def weights_at(terms: Mapping[str, Schedule], progress: float) -> dict[str, float]:
    """The weight of every term at a progress in [0, 1)."""

    def share(start: float, full: float) -> float:
        return float(progress >= start) if full <= start else min(1.0, max(0.0, (progress - start) / (full - start)))

    return {name: weight * share(start, full) for name, (weight, start, full) in terms.items()}
