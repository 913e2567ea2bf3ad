"""Write docs/reference/metrics.md: docs/metrics_template.md with what the catalogue and the docstrings say.

python docs/generate.py            writes the file
python docs/generate.py --check    exits 1 if it differs from what it would write
"""

import inspect
import sys
from pathlib import Path

import yaml

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "workflow_scripts"))

from scbench.metrics.catalogue import METRICS  # noqa: E402
from scbench.metrics.clustering import LeidenGrid, kmeans  # noqa: E402
from scbench.metrics.documentation import WORDS, paragraphs  # noqa: E402
from scbench.metrics.metric import NEEDS  # noqa: E402

PAGE = DOCS / "reference" / "metrics.md"


def described(function) -> list[str]:
    """Return the paragraphs of a docstring before its parameters."""
    return paragraphs(inspect.getdoc(function))


def overview() -> str:
    """Return a table of the catalogue with the group of each metric in each preset."""
    presets = yaml.safe_load((DOCS.parent / "config/config.yaml").read_text())["metrics"]["presets"]
    head = ["metric", "label", "group", "better", "needs", *(f"`{name}`" for name in presets)]
    rows = [head, ["---"] * len(head)]
    for name, metric in METRICS.items():
        needs = ", ".join(text for need, text in NEEDS.items() if need in metric.needs)
        listed = [next((group for group, names in preset.items() if name in names), "") for preset in presets.values()]
        rows.append([f"`{name}`", metric.label, metric.group, metric.direction, needs, *listed])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def definitions() -> str:
    """Return one section per function, in the order of the catalogue."""
    names: dict[str, list[str]] = {}
    for name, metric in METRICS.items():
        names.setdefault(metric.function, []).append(f"`{name}`")
    sections = []
    for function, of_function in names.items():
        lines = ["### " + ", ".join(of_function), ""]
        for paragraph in described(METRICS[of_function[0].strip("`")].load()):
            label = next((word for word in WORDS if paragraph.startswith(word)), "")
            lines.append(f"- **{label}**{paragraph[len(label) :]}" if label else paragraph + "\n")
        sections.append("\n".join([*lines, f"- **Code:** `{function.replace(':', '.')}`"]))
    return "\n\n".join(sections)


def expected() -> str:
    """Return the page."""
    parts = {
        "overview": overview(),
        "definitions": definitions(),
        "leiden": " ".join(described(LeidenGrid)),
        "kmeans": " ".join(described(kmeans)),
        "silhouettes": ", ".join(f"`{name}`" for name, metric in METRICS.items() if metric.is_silhouette),
    }
    text = (DOCS / "metrics_template.md").read_text()
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        drifts = not PAGE.exists() or PAGE.read_text() != expected()
        if drifts:
            print("docs/reference/metrics.md is out of date: run `python docs/generate.py`")
        return int(drifts)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(expected())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
