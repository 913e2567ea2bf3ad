"""Compare metrics with scib 1.1.7, scib-metrics 0.5.10, scgraph-eval 0.1.2 and a written formula.

python benchmarks/metric_agreement.py [n_cells]

Prints a Markdown table. Needs an environment with these packages and those of envs/score.yaml and envs/data.yaml; a
package that is absent is left out. The data are simulated: 6 types in 3 batches, one type missing from a batch, 30
dimensions. All programs get the same embedding in the same order. scib runs on the neighbour graph of scanpy and
on the given PCA.
"""

import contextlib
import importlib.util
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parent.parent / "workflow_scripts"))

from scbench.metrics.canonical import bounded, canonical_order
from scbench.metrics.catalogue import METRICS
from scbench.metrics.suite import score_embedding

SAME = 1e-4
CAUSES = {
    ("nmi_leiden_best", "*"): "mean over four seeds; one seed there",
    ("ari_leiden_best", "*"): "mean over four seeds; one seed there",
    ("graph_connectivity", "scib-metrics"): "strong components there; ours under that definition is the next row",
    ("kbet", "scib-metrics"): "single precision and a random start there",
}


def simulate(n_cells: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    types, batch = random.choice(6, n_cells, p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05]), random.integers(0, 3, n_cells)
    batch[(types == 5) & (batch == 2)] = 0
    centres, shifts = 2 * random.standard_normal((6, 30)), random.standard_normal((3, 30))
    pca = random.standard_normal((n_cells, 30)) + centres[types] + shifts[batch]
    X = random.standard_normal((n_cells, 30)) + 0.35 * centres[types] + 0.3 * shifts[batch]
    genes = np.maximum(pca @ random.standard_normal((30, 200)) / 4 + random.standard_normal((n_cells, 200)), 0)
    names = {"batch": np.char.add("batch_", batch.astype(str)), "labels": np.char.add("type_", types.astype(str))}
    cells = {"embedding": bounded(X), "pca": bounded(pca), "expression": genes.astype(np.float32)} | names
    order = canonical_order(cells["embedding"], cells["pca"], cells["batch"], cells["labels"])
    return {key: values[order] for key, values in cells.items()}


def of_scib_metrics(cells) -> dict[str, float]:
    import scib_metrics as theirs
    from scib_metrics.nearest_neighbors import NeighborsResults
    from sklearn.neighbors import NearestNeighbors

    X, pca, batch, labels = (cells[key] for key in ("embedding", "pca", "batch", "labels"))
    distances, indices = NearestNeighbors(n_neighbors=90).fit(X.astype(float)).kneighbors(X.astype(float))
    near = {k: NeighborsResults(indices=indices[:, :k], distances=distances[:, :k]) for k in (15, 50, 90)}
    best = theirs.nmi_ari_cluster_labels_leiden(near[15], labels, optimize_resolution=True)
    connected = theirs.graph_connectivity(near[15], labels)
    return {
        "nmi_leiden_best": best["nmi"],
        "ari_leiden_best": best["ari"],
        "silhouette_cell_type": theirs.silhouette_label(X, labels),
        "isolated_labels": theirs.isolated_labels(X, labels, batch),
        "clisi": theirs.clisi_knn(near[90], labels),
        "ilisi": theirs.ilisi_knn(near[90], batch),
        "kbet": theirs.kbet_per_label(near[50], batch, labels),
        "graph_connectivity": connected,
        "graph_connectivity_directed": connected,
        "pcr_comparison": theirs.pcr_comparison(pca, X, batch, categorical=True),
        "silhouette_batch": theirs.silhouette_batch(X, labels, batch),
        "bras": theirs.bras(X, labels, batch),
    }


def of_scib(cells) -> dict[str, float]:
    import anndata
    import scanpy
    import scib

    obs = pd.DataFrame({key: pd.Categorical(cells[key]) for key in ("batch", "labels")})
    before = anndata.AnnData(X=cells["expression"], obs=obs.set_index(obs.index.astype(str)))
    before.obsm["X_pca"] = cells["pca"]
    after = before.copy()
    after.obsm["X_emb"] = cells["embedding"]
    scanpy.pp.neighbors(after, n_neighbors=15, use_rep="X_emb")
    metrics = scib.metrics
    explained = [metrics.pcr(one, "batch", embed=key) for one, key in ((before, "X_pca"), (after, "X_emb"))]
    found = {
        "silhouette_cell_type": metrics.silhouette(after, "labels", "X_emb"),
        "silhouette_batch": metrics.silhouette_batch(after, "batch", "labels", "X_emb", verbose=False),
        "graph_connectivity": metrics.graph_connectivity(after, "labels"),
        "isolated_labels": metrics.isolated_labels_asw(after, "labels", "batch", "X_emb", verbose=False),
        "pcr_comparison": 1 - explained[1] / explained[0],
    }
    metrics.cluster_optimal_resolution(after, "labels", cluster_key="cluster", metric=metrics.nmi, use_rep="X_emb")
    return found | {
        "nmi_leiden_best": metrics.nmi(after, "cluster", "labels"),
        "ari_leiden_best": metrics.ari(after, "cluster", "labels"),
    }


def of_scgraph(cells) -> dict[str, float]:
    import tempfile

    import anndata
    from scgraph import scGraph

    obs = pd.DataFrame({key: pd.Categorical(cells[key]) for key in ("batch", "labels")})
    adata = anndata.AnnData(X=sparse.csr_matrix(cells["expression"]), obs=obs.set_index(obs.index.astype(str)))
    adata.obsm["X_emb"] = cells["embedding"]
    with tempfile.TemporaryDirectory() as folder:
        adata.write_h5ad(Path(folder) / "data.h5ad")
        table = scGraph(str(Path(folder) / "data.h5ad"), "batch", "labels", only_umap=False).main(["X_emb"])
    return {"scgraph": table.loc["X_emb", "Corr-Weighted"]}


def of_formula(cells) -> dict[str, float]:
    """CiLISI of scIntegrationMetrics: 30 neighbours of the type with equal weights, mean over cells."""
    from sklearn.neighbors import NearestNeighbors

    X, batch, labels = cells["embedding"].astype(float), cells["batch"], cells["labels"]
    mixed = []
    for label in np.unique(labels):
        inside, of = X[labels == label], batch[labels == label]
        near = NearestNeighbors(n_neighbors=31).fit(inside).kneighbors(inside, return_distance=False)[:, 1:]
        simpson = [np.square(np.unique(of[row], return_counts=True)[1] / 30).sum() for row in near]
        mixed.append((1 / np.array(simpson) - 1) / (len(np.unique(of)) - 1))
    return {"cilisi": np.concatenate(mixed).mean()}


PROGRAMS = {
    "scib": ("scib", of_scib),
    "scib-metrics": ("scib_metrics", of_scib_metrics),
    "scgraph-eval": ("scgraph", of_scgraph),
    "scIntegrationMetrics (formula)": ("sklearn", of_formula),
}


def main() -> None:
    warnings.simplefilter("ignore")
    cells = simulate(int(sys.argv[1]) if len(sys.argv) > 1 else 1500)
    import anndata

    from scbench.datasets.prepare import pca_of_batches

    X = sparse.csr_matrix(cells["expression"])
    adata = anndata.AnnData(X=X, obs=pd.DataFrame({"batch": pd.Categorical(cells["batch"])}))
    given = {key: cells[key] for key in ("embedding", "pca", "batch", "labels")} | {"batch_pca": pca_of_batches(adata)}
    asked = {"bio": list(METRICS), "batch": [], "extra": []}
    ours = score_embedding(**given, metrics=asked).set_index("metric")["value"]
    print("| metric | program | ours | theirs | difference | cause |\n|---|---|---|---|---|---|")
    for program, (module, compute) in PROGRAMS.items():
        if importlib.util.find_spec(module) is None:
            print(f"{module} is not installed", file=sys.stderr)
            continue
        with contextlib.redirect_stdout(sys.stderr):
            found = compute(cells)
        for metric, value in found.items():
            apart = abs(ours[metric] - float(value))
            cause = "" if apart < SAME else CAUSES.get((metric, program), CAUSES.get((metric, "*"), "?"))
            print(f"| `{metric}` | {program} | {ours[metric]:.4f} | {value:.4f} | {apart:.0e} | {cause} |", flush=True)


if __name__ == "__main__":
    main()
