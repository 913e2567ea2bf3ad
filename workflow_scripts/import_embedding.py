"""Rule import_embedding: bring an embedding made elsewhere into the order of the dataset: file -> embedding.h5ad."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from pathlib import Path

    from scbench.datasets.download import digest
    from scbench.datasets.external import files_of, read_external
    from scbench.files import read_cells_of_source, read_dataset, write_embedding
    from scbench.provenance import package_versions
    from scbench.types import Embedding

    given, run = snakemake.input, snakemake.wildcards
    settings = {"path": given.path, "ids": given.get("ids"), "obsm": snakemake.params.obsm}
    settings = {key: str(value) for key, value in settings.items() if value is not None}
    cells = read_dataset(given.dataset, matrices=[]).obs_names
    X = read_external(settings, cells, read_cells_of_source(given.raw))
    digests = {f"sha256_of_{key}": digest(Path(file)) for key, file in files_of(settings).items()}
    record = {
        "dataset": run.dataset,
        "method": run.method,
        "seed": int(run.seed),
        "kind": "external",
        "parameters": settings | digests,
        "code_digest": snakemake.params.code,
        "versions": package_versions("anndata", "h5py", "numpy", "pandas", "pyarrow"),
    }
    write_embedding(snakemake.output.embedding, Embedding(X=X), cells, record)
    print(f"{len(cells)} cells, {X.shape[1]} dimensions from {settings['path']}")
