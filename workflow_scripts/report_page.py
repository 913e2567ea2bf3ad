"""Rule report_page: write the result page."""

from scbench.logs import logged

with logged(snakemake.log[0], snakemake.resources):
    from scbench.coverage import coverage
    from scbench.paths import Paths
    from scbench.plan import Run
    from scbench.report.page.build import write_page
    from scbench.version import VERSION

    params = snakemake.params
    at = Paths(params.results)
    write_page(
        snakemake.output.page,
        at,
        config=params.config,
        methods=params.methods,
        coverage=coverage([Run(*run) for run in params.runs], at),
        robust=params.robust,
        citations=snakemake.input.citations,
        version=VERSION,
    )
