"""Weights of loss terms over the course of training."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from scbench.parameters import ParameterError

Schedule = tuple[float, float, float]  # weight, progress at which it starts to rise, progress at which it is reached

WARM_UP = (0.1, 0.5)  # of a divergence
# A divergence that is active from the first step suppresses a weak biological signal, however small its weight: Adam is
# invariant to the scale of a gradient, and the gradient of a divergence has the same direction at every step.


def read_schedules(objective: Mapping[str, float | list], known: Collection[str]) -> dict[str, Schedule]:
    """Convert {term: weight, or [weight, start, full]} to {term: (weight, start, full)} and add the reconstruction.

    A weight is 0 until the training progress `start` and rises linearly until `full`. The reconstruction has weight 1.

    Raises
    ------
    ParameterError
        If a term is unknown, a weight is negative, or not 0 <= start <= full <= 1.
    """
    read: dict[str, Schedule] = {"reconstruction": (1.0, 0.0, 0.0)}
    for name, value in objective.items():
        if name not in known:
            raise ParameterError(f"objective: '{name}' is not known; choose from {', '.join(known)}")
        steps = value if isinstance(value, list | tuple) else (value, 0.0, 0.0)
        are_numbers = len(steps) == 3 and all(type(step) in (int, float) for step in steps)
        if not (are_numbers and 0 <= steps[0] < float("inf") and 0 <= steps[1] <= steps[2] <= 1):
            wanted = "a weight or [weight, start, full] with 0 <= start <= full <= 1"
            raise ParameterError(f"objective.{name}: {value} is not {wanted}")
        read[name] = (float(steps[0]), float(steps[1]), float(steps[2]))
    return read


def weights_at(terms: Mapping[str, Schedule], progress: float) -> dict[str, float]:
    """Return the weight of every term at a progress in [0, 1)."""

    def share(start: float, full: float) -> float:
        return float(progress >= start) if full <= start else min(1.0, max(0.0, (progress - start) / (full - start)))

    return {name: weight * share(start, full) for name, (weight, start, full) in terms.items()}
