"""Rule prepare: normalise, select genes, compute the PCA and split off the cell types."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.data_reports import write_data_report
    from scbench.datasets.data_report import data_report
    from scbench.datasets.prepare import prepare
    from scbench.datasets.selection import select
    from scbench.files import read_raw, write_dataset, write_json, write_truth

    raw, selection = select(read_raw(snakemake.input.raw), **snakemake.params.selection)
    report = data_report(raw)
    dataset, truth = prepare(raw, **snakemake.params.settings)
    dataset.uns |= selection
    write_dataset(snakemake.output.dataset, dataset)
    write_truth(snakemake.output.truth, truth)
    write_data_report(snakemake.output.report, report)
    n_batches = dataset.obs["batch"].nunique()
    write_json(snakemake.output.size, {"cells": dataset.n_obs, "genes": dataset.n_vars, "batches": n_batches})
    print(selection["selection"])
    print(f"{dataset.n_obs} cells, {dataset.n_vars} genes kept, {dataset.obsm['X_pca'].shape[1]} components")
    print(f"cell cycle {dataset.uns['cell_cycle']}")
    for warning in report["warnings"]:
        print(f"warning: {warning}")
