"""Simulated counts with known batches and cell types.

Model: count ~ NB(mean = library size of the cell x share of the gene, theta), where the shares of a type in a batch are
the softmax over genes of base + type effect + technology effect + batch effect, on the log scale. Effects are additive,
as in Splatter (Zappia et al. 2017, 10.1186/s13059-017-1305-0): a batch shifts a gene equally in all cell types. What
makes real data harder is off by default and has parameters of its own: batch effects on single types, subtypes, paths,
programs and co-expressed modules within types, noise that depends on the gene, ambient RNA and doublets.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import anndata
import numpy as np
import pandas as pd

from scbench.datasets.composition import composition_of, names, states
from scbench.datasets.parameters import SimulationParameters
from scbench.datasets.simulated_counts import Expected, draw, library_sizes, partners, shares
from scbench.datasets.simulated_genes import (
    along_path,
    batch_effects,
    dispersions,
    gene_names,
    marker_effects,
    module_activities,
    modules,
    programs,
)
from scbench.seeding import generator


def simulate(**parameters: Any) -> anndata.AnnData:
    """Simulate counts of cell types in batches.

    Parameters
    ----------
    parameters
        See `SimulationParameters`.

    Returns
    -------
    AnnData with X CSR int32 (n_cells, n_genes), obs batch, cell_type and, where there are any, technology, subtype,
    pseudotime and doublet; var module if there are modules; uns simulation contains the parameters as JSON.

    Raises
    ------
    ValueError
        If names, fractions or sizes are impossible; the message names the key.
    """
    p = SimulationParameters.of(parameters)
    types, batches = names("type", p.n_types), names("batch", p.n_batches)
    technology_of = np.arange(p.n_batches) % p.n_technologies
    table = composition_of(p)
    groups = generator(p.seed, "order").permutation(np.repeat(np.arange(table.size), table.ravel()))
    type_of, batch_of = np.divmod(groups, p.n_batches)
    obs = pd.DataFrame(index=pd.Index(names("cell", p.n_cells)))
    obs["batch"] = pd.Categorical.from_codes(batch_of, batches)
    if p.n_technologies > 1:
        obs["technology"] = pd.Categorical.from_codes(technology_of[batch_of], names("technology", p.n_technologies))
    obs["cell_type"] = pd.Categorical.from_codes(type_of, types)

    module = modules(p)
    type_effects = of_types = p.type_strength * marker_effects(p.seed, types, p.marker_fraction, module)
    if p.n_subtypes > 1:
        subtypes = [f"{name}.{i}" for name in types for i in range(1, p.n_subtypes + 1)]
        within = p.subtype_strength * marker_effects(p.seed, subtypes, p.marker_fraction, module)
        type_effects = np.repeat(type_effects, p.n_subtypes, axis=0) + within
        subtype_of = type_of * p.n_subtypes + states(p.seed, groups, table.size, p.n_subtypes)
        obs["subtype"] = pd.Categorical.from_codes(subtype_of, subtypes)
        groups = subtype_of * p.n_batches + batch_of
    gradients = [programs(p)] if p.program_strength else []
    if p.module_strength and p.n_modules:
        gradients.append(module_activities(p, module))
    if p.path:
        place = generator(p.seed, "path").uniform(-0.5, 0.5, size=p.n_cells)
        gradients.append(along_path(p, place, type_of, of_types))
        level = (np.arange(p.n_types) + p.n_branches - 1) // p.n_branches
        obs["pseudotime"] = (level[type_of] + place + 0.5) / (level[-1] + 1)
    second = partners(p.seed, batch_of, p.doublet_fraction)
    if p.doublet_fraction:
        obs["doublet"] = second >= 0

    base = p.gene_spread * generator(p.seed, "gene means").normal(size=p.n_genes)
    of_groups = shares(p, base, type_effects, batch_effects(p, batches, technology_of))
    expected = Expected(library_sizes(p, batch_of), of_groups, groups, gradients)
    counts = draw(p, expected, dispersions(p, base), batch_of, second)
    var = pd.DataFrame(index=pd.Index(gene_names(module)))
    if p.n_modules:
        var["module"] = module
    return anndata.AnnData(X=counts, obs=obs, var=var, uns={"simulation": json.dumps(asdict(p))})
