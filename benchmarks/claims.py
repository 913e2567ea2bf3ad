"""Test the claims of config/claims.tsv on finished benchmarks; write docs/claims.md with numbers of the lab notebook.

    .venv/bin/python benchmarks/claims.py results/paper_small results/field --out docs/claims.md

A folder needs its summary; probes and errors at hidden genes are used if they are there.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

import pandas as pd  # noqa: E402

from scbench.config import read_config  # noqa: E402
from scbench.files import read_scores, read_table, write_text  # noqa: E402
from scbench.paths import Paths  # noqa: E402
from scbench.ranking.claims import CLAIM_TEXT, judge, measured, run_totals, verdict_of  # noqa: E402
from scbench.report.claims import NOTES, shown  # noqa: E402
from scbench.report.plain import markdown  # noqa: E402

HEAD = """<!-- Written by benchmarks/claims.py; do not edit. -->
# Claims

The texts that the methods come from make claims about them. This page tests each as a paired difference between runs.
A row with a link is taken from the lab notebook; its interval is computed from the mean and standard deviation given
there. The other rows come from the benchmarks named in the column "data".

    {command}
"""


def tables_of(at: Paths) -> dict[str, pd.DataFrame]:
    """Return the tables of one results folder, see `scbench.ranking.claims.judge`."""
    weights = read_config(at.config)["metrics"]["weights"]
    tables = {"scores": run_totals(read_scores(at.summary("scores.tsv")), weights)}
    optional = {"disentanglement": at.table("disentanglement.tsv"), "gene_vectors": at.figure("gene_vectors.tsv")}
    return tables | {name: read_table(path) for name, path in optional.items() if Path(path).exists()}


def from_folder(claims: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Return the claims that the runs of a folder can test, as they are shown."""
    found = judge(claims, tables_of(Paths(str(folder))))
    rows = shown(found)[found["reason"] == ""]
    return rows.assign(data=f"{folder.name}: " + rows["data"])


def from_lab(claims: pd.DataFrame, lab: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of the lab notebook, as they are shown."""
    rows = []
    for one in lab.merge(claims, on="claim", validate="many_to_one").itertuples():
        half = interval_half(one.sd, one.n)
        found = {"ci_low": one.mean - half, "ci_high": one.mean + half}
        difference = f"{one.mean:+.3f} ({found['ci_low']:+.3f} to {found['ci_high']:+.3f}, over {one.over})"
        rows.append((one.claim, measured(one), f"[{one.data}]({one.page})", difference, verdict_of(one, found)))
    return pd.DataFrame(rows, columns=["claim", "measured", "data", "difference", "verdict"])


def interval_half(sd: float, n: int) -> float:
    """Return half the width of the 95 % t interval of a mean."""
    from scipy import stats

    return stats.t.ppf(0.975, n - 1) * sd / n**0.5


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="*", help="results folders")
    parser.add_argument("--claims", type=Path, default=ROOT / "config/claims.tsv")
    parser.add_argument("--lab", type=Path, default=ROOT / "docs/lab/claims.tsv")
    parser.add_argument("--out", type=Path, help="page to write; default: print it")
    options = parser.parse_args(arguments)
    claims = read_table(options.claims, text=CLAIM_TEXT)
    lab = read_table(options.lab, text=["claim", "data", "over", "page"])
    rows = pd.concat([*(from_folder(claims, folder) for folder in options.results), from_lab(claims, lab)])
    untested = claims.loc[~claims["claim"].isin(rows["claim"]), "claim"]
    order = {claim: place for place, claim in enumerate(claims["claim"])}
    rows = rows.sort_values("claim", key=lambda names: names.map(order), kind="stable", ignore_index=True)
    command = " ".join([".venv/bin/python benchmarks/claims.py", *map(str, options.results), "--out docs/claims.md"])
    parts = [HEAD.format(command=command), markdown(rows), *(f"{note}\n" for note in NOTES)]
    parts += [f"Not tested yet: {'; '.join(untested)}.\n"] if len(untested) else []
    page = "\n".join(parts)
    if options.out:
        write_text(options.out, page)
    else:
        print(page)


if __name__ == "__main__":
    main()
