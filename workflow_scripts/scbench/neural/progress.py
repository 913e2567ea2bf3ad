"""Progress of training: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable


class Progress:
    """Progress report: a bar with the loss terms on a terminal, or at most 100 plain lines, one per epoch, in a log."""

    def __init__(self, epochs: int, done: int) -> None:
        self.epochs, self.done, self.bar = epochs, done, None
        self.every = max(1, epochs // 100)

    def __enter__(self) -> Callable[[int, dict[str, float]], None]:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=self.epochs, initial=self.done, unit="epoch")
        return self._report

    def _report(self, epoch: int, terms: dict[str, float]) -> None:
        text = {name: f"{value:.4f}" for name, value in terms.items()}
        if self.bar is not None:
            self.bar.set_postfix(text)
            self.bar.update()
        elif epoch % self.every == 0 or epoch == self.epochs - 1:
            print("epoch", epoch, *(f"{name} {value}" for name, value in text.items()), flush=True)

    def __exit__(self, *_) -> None:
        if self.bar is not None:
            self.bar.close()
