"""Where everything lies under the results folder: the one place that knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Paths:
    """Paths under the folder `results`; every argument may also be a Snakemake wildcard such as `{dataset}`."""

    results: str

    def data(self, dataset: str, name: str) -> str:
        """A file of a dataset: raw.h5ad, dataset.h5ad, truth.tsv.gz."""
        return f"{self.results}/{dataset}/{name}"

    def gene_knowledge(self, dataset: str, name: str) -> str:
        """Pairs and vectors of genes of a dataset."""
        return self.data(dataset, f"gene_knowledge/{name}")

    def run(self, dataset: str, method: str, seed: int | str, name: str) -> str:
        """A file of a run: embedding.h5ad, history.tsv, model.pt, scores.tsv, and what analyses write."""
        return f"{self.results}/{dataset}/{method}/seed{seed}/{name}"

    def run_files(self, dataset: str, method: str, seed: int | str, *, trained: bool, tables: Sequence[str]) -> dict:
        """{name: file} of what a run itself writes."""
        names = ["embedding", *(["history", "model"] if trained else []), *tables]
        return {name: self.run(dataset, method, seed, self.file_name(name)) for name in names}

    @staticmethod
    def file_name(name: str) -> str:
        """The file of a part of a run: embedding, model, history or another table."""
        return {"embedding": "embedding.h5ad", "model": "model.pt"}.get(name, f"{name}.tsv")

    def log(self, *parts: str) -> str:
        """The log of a job: of a dataset `log(dataset, step)`, of a run `log(dataset, method, f"seed{seed}", step)`."""
        return "/".join([self.results, "logs", *parts]) + ".log"

    def run_log(self, dataset: str, method: str, seed: int | str, step: str) -> str:
        """The log of a job of a run."""
        return self.log(dataset, method, f"seed{seed}", step)

    def summary(self, name: str) -> str:
        """A table over all runs."""
        return f"{self.results}/summary/{name}"

    def partial(self, name: str) -> str:
        """A table over the runs that are finished so far; see `scbench summarise`."""
        return f"{self.results}/partial/{name}"

    def table(self, name: str) -> str:
        """A table for readers."""
        return f"{self.results}/tables/{name}"

    def figure(self, name: str) -> str:
        """A figure."""
        return f"{self.results}/figures/{name}"

    @property
    def coverage(self) -> str:
        """What became of every planned run."""
        return self.summary("coverage.tsv")

    @property
    def config(self) -> str:
        """The configuration of the last start, as it was merged."""
        return f"{self.results}/config.yaml"
