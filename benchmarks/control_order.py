"""Find metrics that do not rank the controls as expected; read summary/scores.tsv of a results folder, print Markdown.

python benchmarks/control_order.py results

Biology: cell type oracle >= unintegrated >= random embedding. Mixing: random embedding and shuffled within cell type >=
unintegrated. Values are means over seeds; differences up to 0.005 are ignored.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "workflow_scripts"))

from scbench.files import read_scores
from scbench.metrics.catalogue import METRICS

ORDERS = {
    "bio": [("cell_type_oracle", "unintegrated"), ("unintegrated", "random_embedding")],
    "batch": [("random_embedding", "unintegrated"), ("shuffled_within_cell_type", "unintegrated")],
}
DIAGNOSTICS = {"batch_classifier": "batch"}
TOLERANCE = 0.005


def main(results: str) -> None:
    scores = read_scores(Path(results) / "summary" / "scores.tsv").query("status == 'ok'")
    means = scores.groupby(["metric", "group", "dataset", "method"])["value"].mean().unstack()
    print("| metric | dataset | should not be below | is |\n|---|---|---|---|")
    compared = 0
    for (metric, _, dataset), row in means.iterrows():
        of = DIAGNOSTICS.get(metric, METRICS[metric].group)
        for higher, lower in ORDERS.get(of, []):  # a spread has no order
            compared += 1
            if row[higher] < row[lower] - TOLERANCE:
                print(f"| `{metric}` | {dataset} | {higher} {row[higher]:.3f} | {lower} {row[lower]:.3f} |")
    print(f"\n{compared} comparisons, {means.index.get_level_values('dataset').nunique()} datasets")


if __name__ == "__main__":
    main(sys.argv[1])
