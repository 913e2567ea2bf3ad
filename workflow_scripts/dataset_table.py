"""Rule dataset_table: describe the datasets in numbers."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    import pandas as pd

    from scbench.data_reports import data_warnings
    from scbench.datasets.describe import describe
    from scbench.files import read_dataset, read_truth
    from scbench.report.plain import write_plain

    rows = []
    files = (snakemake.input.dataset, snakemake.input.truth, snakemake.input.report)
    for name, dataset, truth, report in zip(snakemake.params.datasets, *files, strict=True):
        adata = read_dataset(dataset, matrices=[])
        numbers = describe(adata.n_vars, read_truth(truth), adata.uns["selection"])
        rows.append({"dataset": name, **numbers, "warnings": "; ".join(data_warnings(report)) or "none"})
    write_plain(pd.DataFrame(rows), dict(snakemake.output.items()))
