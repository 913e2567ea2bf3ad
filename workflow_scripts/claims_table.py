"""Rule claims_table: test the claims of config/claims.tsv on the runs of this benchmark."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.files import read_scores, read_table
    from scbench.ranking.claims import CLAIM_TEXT, judge, run_totals
    from scbench.report.claims import NOTES, shown
    from scbench.report.plain import write_plain

    tables = {name: read_table(path) for name, path in snakemake.input.items() if name not in ("claims", "scores")}
    tables["scores"] = run_totals(read_scores(snakemake.input.scores), snakemake.params.weights)
    found = judge(read_table(snakemake.input.claims, text=CLAIM_TEXT), tables)
    write_plain(found, dict(snakemake.output.items()), shown(found), notes=NOTES)
