"""Fixtures are made, not stored: tiny data with known structure."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import sparse
from threadpoolctl import threadpool_limits

from scbench.config import load_config
from scbench.metrics.catalogue import METRICS
from scbench.runner import THREAD_VARIABLES
from scbench.types import Dataset

# One thread, as jobs of methods have: tests run beside each other, and threads that wait for each other take all cores.
os.environ.update(dict.fromkeys((*THREAD_VARIABLES, "NUMBA_NUM_THREADS"), "1"))  # numba sets those of torch, too
threadpool_limits(1)

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
APPLICABLE = [id for id, metric in METRICS.items() if "null_split" not in metric.needs]  # to batches as they are


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not (SHARED / "data").is_dir():
        pytest.skip("the real datasets of ../shared/data are not on this machine")
    return SHARED / "data"


@pytest.fixture
def config() -> dict:
    return load_config(ROOT / "config", {})


@pytest.fixture
def write_yaml(tmp_path):
    def write(content: dict, name: str = "mine.yaml") -> str:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(content))
        return str(path)

    return write


def make_dataset(declared: str, n_cells: int = 300, n_genes: int = 60, seed: int = 0) -> Dataset:
    """Cells of 3 types in 2 batches, Poisson counts, as a method gets them."""
    random = np.random.default_rng(seed)
    types, batch = random.integers(0, 3, n_cells), random.integers(0, 2, n_cells)
    rates = random.gamma(2.0, 1.0, (3, n_genes))[types] * np.exp(0.5 * random.standard_normal((2, n_genes)))[batch]
    counts = sparse.csr_matrix(random.poisson(rates).astype(np.int32))
    lognorm = sparse.csr_matrix(np.log1p(counts.toarray()).astype(np.float32))
    centred = lognorm.toarray() - lognorm.toarray().mean(0)
    pca = (centred @ np.linalg.svd(centred, full_matrices=False)[2][:10].T).astype(np.float32)
    return Dataset(
        name="tiny",
        X={"counts": counts, "lognorm": lognorm, "pca": pca}[declared],
        batch=batch,
        batch_names=("a", "b"),
        gene_names=np.array([f"gene_{i}" for i in range(n_genes)]),
        total_counts=np.asarray(counts.sum(1)).ravel().astype(float),
        pca=pca,
        labels=np.array([f"type_{i}" for i in types]),
    )


def known_of_cells(pca: np.ndarray, types: np.ndarray) -> dict:
    """Return what scoring knows of cells beside their groups: expression, PCA per batch, pseudotime; from the PCA."""
    genes = np.maximum(pca @ np.random.default_rng(0).standard_normal((pca.shape[1], 30)), 0)
    return {
        "expression": sparse.csr_matrix(genes.astype(np.float32)),
        "batch_pca": pca[:, :10],
        "pseudotime": types + np.tanh(pca[:, 0]) / 4,
    }


class Prepared:
    """What a prepared dataset gives to scoring."""

    def __init__(self, pca: np.ndarray) -> None:
        self.obsm, self.obs, self.uns = {"X_pca": pca}, pd.DataFrame(), {}
        self.X, self.var = sparse.csr_matrix(pca), pd.DataFrame({"highly_variable_rank": range(pca.shape[1])})


def nearest_centre(X: np.ndarray, groups: np.ndarray) -> float:
    """Share of the cells that lie nearest to the centre of their own group."""
    codes = pd.Categorical(groups).codes
    centres = np.stack([X[codes == code].mean(0) for code in range(codes.max() + 1)])
    return (np.linalg.norm(X[:, None] - centres[None], axis=2).argmin(1) == codes).mean()
