"""Rule summarise: combine the scores of all runs: summary, ranking and its uncertainty, run time and memory."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    import pandas as pd

    from scbench.files import read_scores, write_table
    from scbench.ranking.by_type import summarise_by_type
    from scbench.ranking.costs import resources
    from scbench.ranking.levels import summarise_levels
    from scbench.ranking.uncertainty import ranking_tables
    from scbench.score_files import read_by_type, read_levels

    params = snakemake.params
    scores = pd.concat([read_scores(path) for path in snakemake.input.scores])
    chosen = {name: params[name] for name in ("kinds", "weights", "scaling", "robust", "runs")}
    tables = ranking_tables(scores, **chosen)
    levels = pd.concat([read_levels(path) for path in snakemake.input.levels])
    tables["levels"] = summarise_levels(levels, **chosen)
    tables["by_type"] = summarise_by_type(pd.concat([read_by_type(path) for path in snakemake.input.by_type]))
    tables["resources"] = resources(dict(zip(params.runs, snakemake.input.benchmarks, strict=True)))
    for name, table in tables.items():
        write_table(snakemake.output[name], table)
