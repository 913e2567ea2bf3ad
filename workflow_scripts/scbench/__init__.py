"""The library of the single-cell integration benchmark; it never imports snakemake."""
