"""What a method changes where there is nothing to correct."""

import numpy as np

from scbench.graphs.neighbours import nearest_of_each_cell

N_NEIGHBOURS = 15


def neighbours_kept(pca: np.ndarray, indices: np.ndarray) -> float:
    """Share of the 15 nearest neighbours of a cell before integration that are among its 15 nearest after it.

    It is computed where the batches are random halves of one batch (`null_split: true`), so nothing has to be
    corrected and every neighbour that is exchanged was exchanged without a reason.

    Range: 0 to 1; 1: no neighbour has changed; 15 / cells for noise.
    Weakness: compares with the PCA, so methods with another view of the data, such as autoencoders, exchange neighbours
    even without batches; compare a batch-conditioned method with its label-free form that knows no batches.
    Source: the test of calibration of Antonsson and Melsted 2025, doi 10.1101/gr.279886.124.

    Parameters
    ----------
    pca
        (n_cells, n_pcs) before integration.
    indices
        (n_cells, k) neighbours after it, the cell itself first.
    """
    k = min(N_NEIGHBOURS, indices.shape[1] - 1)
    before = nearest_of_each_cell(pca, k + 1)[0][:, 1:]
    after = indices[:, 1 : k + 1]
    return float((before[:, :, None] == after[:, None, :]).any(axis=2).mean())
