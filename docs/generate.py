"""Write docs/metrics.md: docs/metrics_template.md with what the docstrings of the metrics say.

python docs/generate.py            writes the file
python docs/generate.py --check    exits 1 if it differs from what it would write
"""

import inspect
import sys
from pathlib import Path

import yaml

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "workflow_scripts"))

from scbench.metrics.clustering import LeidenGrid, kmeans  # noqa: E402
from scbench.metrics.suite import METRICS  # noqa: E402

PLACE = "<!-- metrics -->"
WORDS = ("Range:", "Weakness:", "Source:")


def described(function) -> list[str]:
    """Return the paragraphs of a docstring before its parameters, each in one line; the labelled lines apart."""
    text = inspect.getdoc(function).split("\nParameters\n")[0].strip()
    for word in WORDS:
        text = text.replace(f"\n{word}", f"\n\n{word}")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]


def sections() -> str:
    """Return one section per function, in the order of the registry, and the table of presets."""
    presets = yaml.safe_load((DOCS.parent / "config/config.yaml").read_text())["metrics"]["presets"]
    functions = {}
    for name, metric in METRICS.items():
        functions.setdefault(metric.function, []).append(name)
    lines = []
    for function, names in functions.items():
        metric = METRICS[names[0]]
        needs = ["cell types"] * metric.labels + ["several batches"] * metric.batches
        lines += ["", "### " + ", ".join(f"`{name}`" for name in names), ""]
        for paragraph in described(function):
            label = next((word for word in WORDS if paragraph.startswith(word)), "")
            lines.append(f"- **{label}**{paragraph[len(label) :]}" if label else paragraph + "\n")
        lines.append(f"- **Needs:** {' and '.join(needs) or 'the embedding'}; `{function.__module__}`")
    lines += ["", "### The clusterings", ""]
    lines.append(
        f"- `leiden_best`: {' '.join(described(LeidenGrid))} The resolution with the best NMI: the labels choose it,"
    )
    lines[-1] += " so this judges the embedding, not a clustering one would get without labels."
    lines.append("- `leiden_r1`: the same at resolution 1.0, chosen by nobody.")
    lines.append(f"- `kmeans`: {' '.join(described(kmeans))} As many clusters as cell types, which the labels tell.")
    lines.append("- `own`: the clusters that the method itself returns; not applicable to a method that makes none.")
    lines += ["", "### Presets", "", f"| metric | {' | '.join(presets)} |", "|---|" + "---|" * len(presets)]
    for name in METRICS:
        groups = [next((g for g, listed in preset.items() if name in listed), "") for preset in presets.values()]
        lines.append(f"| `{name}` | {' | '.join(groups)} |")
    return "\n".join(lines).strip()


def expected() -> str:
    return (DOCS / "metrics_template.md").read_text().replace(PLACE, sections())


def main(arguments: list[str]) -> int:
    path = DOCS / "metrics.md"
    if arguments == ["--check"]:
        drifts = not path.exists() or path.read_text() != expected()
        if drifts:
            print("docs/metrics.md is not what the docstrings say: run `python docs/generate.py`")
        return int(drifts)
    path.write_text(expected())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
