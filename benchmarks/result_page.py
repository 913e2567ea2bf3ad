"""Size, build time, memory and speed of the result page, with made-up scores and projections.

    .venv/bin/python benchmarks/result_page.py                    10 datasets x 12 methods x 5 seeds, 50,000 cells
    .venv/bin/python benchmarks/result_page.py --datasets 2 --seeds 1 --cells 1000

Times in the browser are measured only where chromium, chromium-driver and requirements-browser.txt are installed.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "workflow_scripts"), str(ROOT / "tests")]

from made_up import make_config, make_results  # noqa: E402

OTHERS = 5  # the baseline, a label-using method and three controls stand beside the made-up methods
TYPES = [f"type {place}" for place in range(12)]


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print and return the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in {"datasets": 10, "methods": 12, "seeds": 5, "cells": 50_000}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "results"
        config = make_config(folder, options.datasets, options.methods - OTHERS, options.seeds)
        at = make_results(folder, config, n_cells=100, types=TYPES, batches=("a", "b", "c"))
        enlarge(folder, options.cells)
        measured = build(folder)
        page = Path(at.page)
        measured["size_mb"] = page.stat().st_size / 1e6
        if shutil.which("chromium") and shutil.which("chromedriver"):
            measured |= browse(page)
    for name, value in measured.items():
        print(f"{name}\t{value:.2f}")
    return measured


def enlarge(folder: Path, n_cells: int) -> None:
    """Give every dataset `n_cells` cells, and every run a projection of at most 20,000 of them, as the workflow does.

    The projections are links to one file, which is read and packed once per run.
    """
    import numpy as np
    import pandas as pd

    from scbench.analyses.projection import MAX_CELLS
    from scbench.files import write_table, write_truth

    random = np.random.default_rng(0)
    cells = [f"cell_{place}" for place in range(n_cells)]
    types, batches = random.choice(TYPES, n_cells), random.choice(["a", "b", "c"], n_cells)
    xy = 5 * random.normal(size=(len(TYPES), 2))[np.unique(types, return_inverse=True)[1]]
    xy = (xy + random.normal(size=xy.shape)).round(4)
    table = pd.DataFrame({"cell_id": cells, "x": xy[:, 0], "y": xy[:, 1]})
    write_table(
        folder / "umap.tsv.gz", table.iloc[np.sort(random.choice(n_cells, min(n_cells, MAX_CELLS), replace=False))]
    )
    for truth in folder.glob("*/truth.tsv.gz"):
        write_truth(truth, pd.DataFrame({"cell_id": cells, "batch": batches, "cell_type": types}))
    for projection in folder.glob("*/*/seed*/umap.tsv.gz"):
        projection.unlink()
        os.link(folder / "umap.tsv.gz", projection)


def build(folder: Path) -> dict[str, float]:
    """Run `scbench report`; return its wall and CPU seconds and its peak memory in GB."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow_scripts")}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "scbench.cli", "report", str(folder)], check=True, env=environment)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"build_s": seconds, "build_cpu_s": cpu, "build_peak_gb": after.ru_maxrss / 1e6}


def browse(page: Path) -> dict[str, float]:
    """Return the seconds until chromium shows the table and the pictures in view, and of what a reader does."""
    from chromium import Browser

    browser = Browser(page)
    try:
        sort = browser.driver.execute_async_script(
            "const done = arguments[0], start = performance.now();"
            "document.querySelector(\"#table .tabulator-col[tabulator-field='batch']\").click();"
            "requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));"
        )
        weigh = browser.driver.execute_async_script(
            "const done = arguments[0], start = performance.now(), slider = document.getElementById('weight');"
            "slider.value = 0.3; slider.dispatchEvent(new Event('input'));"
            "const wait = () => document.body.dataset.busy ? setTimeout(wait, 5) : done(performance.now() - start);"
            "wait();"
        )
        light = browser.driver.execute_async_script(
            "const done = arguments[0], start = performance.now();"
            "document.querySelector('#umap-legend button').click();"
            "requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));"
        )
    finally:
        browser.driver.quit()
    table, pictures = browser.marks
    times = {"table_s": table, "pictures_s": pictures, "sort_s": sort, "weigh_s": weigh, "light_up_s": light}
    return {name: milliseconds / 1000 for name, milliseconds in times.items()}


if __name__ == "__main__":
    main()
