"""Rule pretrain: train a trunk of the Gene Transformer on all datasets but one: dataset.h5ad ... -> model.pt."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from pathlib import Path

    from scbench.devices import choose_device
    from scbench.files import read_dataset, write_model, write_table
    from scbench.prepared import matrix_of, method_input
    from scbench.provenance import run_key
    from scbench.runner import limited
    from scbench.transformer.corpus import pretrain
    from scbench.transformer.parameters import CorpusParameters
    from scbench.types import Checkpoint

    params, output = snakemake.params, snakemake.output
    files = dict(zip(params.datasets, snakemake.input, strict=True))
    datasets = [
        method_input(read_dataset(file, matrices=matrix_of("counts")), name, "counts") for name, file in files.items()
    ]
    checkpoint = Checkpoint(Path(params.checkpoint), run_key(params.code, params.settings, 0, *files.values()))
    options, device = CorpusParameters.of(params.settings), choose_device(params.accelerator, wants_gpu=True)
    with limited(snakemake.threads):
        state, history = pretrain(datasets, options, seed=0, device=device, checkpoint=checkpoint)
    write_table(output.history, history)
    write_model(output.model, state)
    checkpoint.remove()
    print(f"{len(state['genes'])} genes of {len(datasets)} datasets, error {history['value'].iloc[-1]:.3f}")
