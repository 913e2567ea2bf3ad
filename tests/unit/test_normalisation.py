"""Log-normalisation has one meaning: counts over all genes of a cell are scaled to target_sum, then log1p."""

import numpy as np
import pytest
import torch

from scbench.autoencoders.autoencoder import Autoencoder
from scbench.autoencoders.parameters import AutoencoderParameters
from scbench.datasets.prepare import prepare
from scbench.datasets.simulate import simulate
from scbench.neural.cells import Cells, Counts
from scbench.prepared import method_input

SETTINGS = {"hvg_batch_aware": True, "n_pcs": 5, "min_cells_per_gene": 3}


@pytest.fixture(scope="module", params=[(40, 1e4), (150, 1e4), (40, 500)], ids=str)
def prepared(request):
    raw = simulate(n_cells=240, n_genes=150, n_types=3, n_batches=3, library_size=600)
    n_top_genes, target_sum = request.param
    return prepare(raw, n_top_genes=n_top_genes, target_sum=target_sum, **SETTINGS)[0]


def taken(adata, rows):
    return Cells("cpu", {"counts": Counts.of(method_input(adata, "data", "counts"))}).take(rows)["counts"]


def test_count_models_see_the_log_normalised_values_of_the_prepared_dataset(prepared):
    rows = np.array([7, 0, 239, 7])
    got = taken(prepared, rows)
    np.testing.assert_allclose(got.log_normalised().numpy(), prepared.X[rows].toarray(), atol=1e-6, rtol=0)
    same = got.with_values(got.values)
    np.testing.assert_array_equal(same.log_normalised().numpy(), got.log_normalised().numpy())


def test_the_library_size_is_that_of_the_genes_of_the_model(prepared):
    rows = np.arange(20)
    expected = prepared.layers["counts"][rows].sum(1)
    np.testing.assert_array_equal(taken(prepared, rows).totals.numpy(), expected)


def test_scaled_counts_are_those_under_the_logarithm_and_shares_add_up_to_one(prepared):
    counts = Counts.of(method_input(prepared, "data", "counts"))
    np.testing.assert_allclose(counts.scaled().log1p().toarray(), prepared.X.toarray(), atol=1e-6, rtol=0)
    np.testing.assert_allclose(counts[5:9].scaled().toarray(), counts.scaled()[5:9].toarray())
    mean = np.expm1(prepared.X.toarray()).mean(0)
    np.testing.assert_allclose(counts.shares(), mean / mean.sum(), rtol=1e-4)
    assert counts.shares().sum() == pytest.approx(1)


def test_decoded_expression_is_on_the_scale_of_the_prepared_dataset(prepared):
    """A decoder that gives every cell the shares of its own counts shows its log-normalised values."""
    data = method_input(prepared, "data", "counts")
    options = AutoencoderParameters(latent_dim=2, dropout=0.0)
    model = Autoencoder(options, n_genes=data.X.shape[1], n_batches=3, n_clusters=1)
    rows = taken(prepared, np.arange(30))
    model.decoder.forward = lambda z, library, condition, batch: library * rows.dense() / rows.totals
    shown = model.decoded_expression(torch.zeros(30, 2), None, rows)
    np.testing.assert_allclose(shown.numpy(), prepared.X[:30].toarray(), atol=2e-6, rtol=0)
