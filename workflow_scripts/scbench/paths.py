"""Paths of all files in the results folder, defined here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Paths:
    """Paths under the folder `results`; every argument may also be a Snakemake wildcard such as `{dataset}`."""

    results: str

    def data(self, dataset: str, name: str) -> str:
        """Return a file of a dataset: raw.h5ad, dataset.h5ad, truth.tsv.gz."""
        return f"{self.results}/{dataset}/{name}"

    def gene_knowledge(self, dataset: str, name: str) -> str:
        """Return a file with gene pairs or gene vectors of a dataset."""
        return self.data(dataset, f"gene_knowledge/{name}")

    def pretraining(self, dataset: str, name: str) -> str:
        """Return a file of the trunk that is pretrained on all other datasets: model.pt, history.tsv."""
        return self.data(dataset, f"pretraining/{name}")

    def run(self, dataset: str, method: str, seed: int | str, name: str) -> str:
        """Return a file of a run: embedding.h5ad, history.tsv, model.pt, scores.tsv, and the output of analyses."""
        return f"{self.results}/{dataset}/{method}/seed{seed}/{name}"

    def run_files(self, dataset: str, method: str, seed: int | str, *, trained: bool, tables: Sequence[str]) -> dict:
        """Return {name: file} of the files that the run itself writes."""
        parts = self.run_parts(trained=trained, tables=tables)
        return {part: self.run(dataset, method, seed, name) for part, name in parts.items()}

    @classmethod
    def run_parts(cls, *, trained: bool, tables: Sequence[str]) -> dict[str, str]:
        """Return {part: file name} of what the run itself writes into its folder."""
        parts = ["embedding", *(["history", "model"] if trained else []), *tables]
        return {part: cls.file_name(part) for part in parts}

    @staticmethod
    def file_name(name: str) -> str:
        """Return the file name of a part of a run: embedding, model, history or another table."""
        return {"embedding": "embedding.h5ad", "model": "model.pt"}.get(name, f"{name}.tsv")

    def log(self, *parts: str) -> str:
        """Return the log of a job: `log(dataset, step)` or, for a run, `log(dataset, method, f"seed{seed}", step)`."""
        return "/".join([self.results, "logs", *parts]) + ".log"

    def run_log(self, dataset: str, method: str, seed: int | str, step: str) -> str:
        """Return the log of a job of a run."""
        return self.log(dataset, method, f"seed{seed}", step)

    def summary(self, name: str) -> str:
        """Return a summary table over all runs."""
        return f"{self.results}/summary/{name}"

    def partial(self, name: str) -> str:
        """Return a summary table over the runs finished so far; see `scbench summarise`."""
        return f"{self.results}/partial/{name}"

    def table(self, name: str) -> str:
        """Return a table for publication."""
        return f"{self.results}/tables/{name}"

    def figure(self, name: str) -> str:
        """Return a figure."""
        return f"{self.results}/figures/{name}"

    @property
    def page(self) -> str:
        """The result page."""
        return f"{self.results}/report.html"

    @property
    def paper(self) -> str:
        """Folder of the numbered figures and tables of a paper."""
        return f"{self.results}/paper"

    @property
    def coverage(self) -> str:
        """Status of every planned run."""
        return self.summary("coverage.tsv")

    @property
    def config(self) -> str:
        """Merged configuration of the last start of the workflow."""
        return f"{self.results}/config.yaml"


def is_url(place: str) -> bool:
    """Return whether a place named in the configuration is a URL; otherwise it is a path."""
    return "://" in place
