"""Rule dataset_table: describe the datasets in numbers."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    import pandas as pd

    from scbench.datasets.describe import describe
    from scbench.files import read_dataset, read_truth
    from scbench.report.plain import write_plain

    rows = []
    for name, dataset, truth in zip(
        snakemake.params.datasets, snakemake.input.dataset, snakemake.input.truth, strict=True
    ):
        adata = read_dataset(dataset)
        rows.append({"dataset": name, **describe(adata.n_vars, read_truth(truth), adata.uns["selection"])})
    write_plain(pd.DataFrame(rows), dict(snakemake.output.items()))
