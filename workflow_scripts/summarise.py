"""Bring the scores of all finished runs together: summary, coverage and what the runs cost."""

from scbench.logs import logged

with logged(snakemake.log[0]):
    import pandas as pd

    from scbench.coverage import coverage, resources
    from scbench.files import SCORE_COLUMNS, read_scores, write_scores, write_table
    from scbench.plan import Run
    from scbench.ranking.summary import summarise
    from scbench.ranking.uncertainty import bootstrap_ranking, dataset_totals, rank_tests, sensitivity

    params, output = snakemake.params, snakemake.output
    runs = [Run(**fields) for fields in params.runs]
    covered = coverage(runs, params.results)
    finished = [run for run, status in zip(runs, covered["status"], strict=True) if status == "ok"]
    tables = [read_scores(run.folder(params.results) / "scores.tsv") for run in finished]
    scores = pd.concat(tables) if tables else pd.DataFrame(columns=SCORE_COLUMNS)
    scores = scores.sort_values(SCORE_COLUMNS[:4], ignore_index=True)
    write_scores(output.scores, scores)
    summary = summarise(scores, params.kinds, params.weights, params.scaling)
    totals = dataset_totals(summary, params.kinds)
    write_table(output.summary, summary)
    write_table(output.overall, bootstrap_ranking(totals))
    write_table(output.tests, rank_tests(totals))
    write_table(output.sensitivity, sensitivity(scores, params.kinds, params.weights))
    write_table(output.coverage, covered)
    write_table(output.resources, resources(runs, params.results))
