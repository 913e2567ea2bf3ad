"""Weights of loss terms over the course of training."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from scbench.parameters import ParameterError

Schedule = tuple[float, float, float]  # weight, progress at which it sets in, progress at which it is full

WARM_UP = (0.1, 0.5)  # of a divergence
# Any weight from the first step on, however small, outruns a weak biological signal: Adam goes by the direction of a
# gradient, not its size, and a divergence pulls the same way at every step.


def read_schedules(objective: Mapping[str, float | list], known: Collection[str]) -> dict[str, Schedule]:
    """Read {term: weight, or [weight, start, full]} into {term: (weight, start, full)}, the reconstruction at 1.

    The weight is 0 until the progress `start` of the training and rises linearly until `full`.

    Raises
    ------
    ParameterError
        For a term that is not known, a weight below 0, or a schedule that does not lie within [0, 1] in order.
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
    """The weight of every term at a progress in [0, 1)."""

    def share(start: float, full: float) -> float:
        return float(progress >= start) if full <= start else min(1.0, max(0.0, (progress - start) / (full - start)))

    return {name: weight * share(start, full) for name, (weight, start, full) in terms.items()}
