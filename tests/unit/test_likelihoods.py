"""Likelihoods against scipy, and their gradients against differences."""

import mpmath
import numpy as np
import pytest
import torch
from scipy import sparse, special, stats

from scbench.neural import likelihoods
from scbench.neural.cells import Cells

COUNTS = [0.0, 1, 7, 400, 20_000, 1e6]
MEANS = [1e-8, 1e-3, 0.5, 30, 2000, 1e6]
THETAS = [1e-4, 0.1, 1, 50, 1e4]
GRID = np.meshgrid(COUNTS, MEANS, THETAS, indexing="ij")


def tensors(*arrays):
    return [torch.tensor(array, dtype=torch.float64) for array in arrays]


# scipy is given theta / (theta + mean), in which a mean far below theta drowns
FAIR = (GRID[2] / GRID[1] < 1e8) | (GRID[0] == 0)


def test_negative_binomial_equals_scipy():
    counts, mean, theta = (array[FAIR] for array in GRID)
    got = likelihoods.negative_binomial_nll(*tensors(counts, mean, theta)).numpy()
    assert np.allclose(got, -stats.nbinom.logpmf(counts, theta, theta / (theta + mean)), rtol=1e-6, atol=1e-6)


def test_negative_binomial_equals_fifty_digits_up_to_extreme_values():
    def exact(x, m, t):
        x, m, t = mpmath.mpf(x), mpmath.mpf(m), mpmath.mpf(t)
        ways = mpmath.loggamma(x + t) - mpmath.loggamma(t) - mpmath.loggamma(x + 1)
        return float(-(ways + t * mpmath.log(t / (t + m)) + x * mpmath.log(m / (t + m))))

    with mpmath.workdps(50):
        expected = np.vectorize(exact)(*GRID)
    assert np.allclose(likelihoods.negative_binomial_nll(*tensors(*GRID)).numpy(), expected, rtol=1e-9)


def test_zero_inflated_equals_scipy():
    counts, mean, theta = (array[FAIR] for array in GRID)
    for logit in (-3.0, 0.4, 6.0):
        extra = special.expit(logit)
        pmf = stats.nbinom.logpmf(counts, theta, theta / (theta + mean)) + np.log1p(-extra)
        expected = -np.where(counts == 0, np.logaddexp(np.log(extra), pmf), pmf)
        logits = torch.full(counts.shape, logit, dtype=torch.float64)
        got = likelihoods.zero_inflated_nll(*tensors(counts, mean, theta), logits).numpy()
        assert np.allclose(got, expected, rtol=1e-6, atol=1e-6)


def test_poisson_and_gaussian_equal_scipy():
    counts, mean, _ = GRID
    got = likelihoods.poisson_nll(*tensors(counts, mean)).numpy()
    assert np.allclose(got, -stats.poisson.logpmf(counts, mean), rtol=1e-6, atol=1e-6)
    values, mean, log_variance = np.meshgrid([-2.0, 0, 3], [-1.0, 2], [-4.0, 0, 3], indexing="ij")
    got = likelihoods.gaussian_nll(*tensors(values, mean, log_variance)).numpy()
    assert np.allclose(got, -stats.norm.logpdf(values, mean, np.exp(log_variance / 2)), rtol=1e-9)


def test_gradients_are_those_of_differences():
    counts = torch.tensor([[0.0, 3.0, 50.0]], dtype=torch.float64)
    mean, theta, logits = (torch.tensor([[0.7, 2.0, 9.0]], dtype=torch.float64, requires_grad=True) for _ in range(3))
    assert torch.autograd.gradcheck(lambda m, t: likelihoods.negative_binomial_nll(counts, m, t), (mean, theta))
    zinb = lambda m, t, pi: likelihoods.zero_inflated_nll(counts, m, t, pi)  # noqa: E731
    assert torch.autograd.gradcheck(zinb, (mean, theta, logits))
    assert torch.autograd.gradcheck(lambda m: likelihoods.poisson_nll(counts, m), (mean,))
    assert torch.autograd.gradcheck(lambda m, v: likelihoods.gaussian_nll(counts, m, v), (mean, logits))


def random_rows(n_kinds, dtype, large):
    rng = np.random.default_rng(0)
    counts = np.where(rng.random((20, 15)) < 0.6, 0, np.round(10 ** rng.uniform(0, 6 if large else 1.5, (20, 15))))
    kind = torch.tensor(rng.integers(0, n_kinds, 20)) if n_kinds > 1 else None
    mean = torch.tensor(10 ** rng.uniform(-8 if large else -1, 6 if large else 1, (20, 15)), dtype=dtype)
    theta = torch.tensor(10 ** rng.uniform(-2, 2, (n_kinds, 15)), dtype=dtype)
    rows = Cells("cpu", {"counts": sparse.csr_matrix(counts)}).take(np.arange(20))["counts"]
    rows = rows.with_values(rows.values.to(dtype))
    return rows, torch.tensor(counts), mean.requires_grad_(), theta.requires_grad_(), kind


@pytest.mark.parametrize("n_kinds", [1, 3])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-5)])
def test_the_sum_over_rows_that_skips_zeros_equals_the_elementwise_form(n_kinds, dtype, tolerance):
    rows, counts, mean, theta, kind = random_rows(n_kinds, dtype, large=True)
    got = likelihoods.negative_binomial_of_rows(rows, mean, theta, kind)
    got.sum().backward()
    mean64, theta64 = (t.detach().double().requires_grad_() for t in (mean, theta))
    of_cells = theta64 if kind is None else theta64[kind]
    expected = likelihoods.negative_binomial_nll(counts, mean64, of_cells).sum(1)
    expected.sum().backward()
    assert torch.allclose(got.double(), expected, rtol=tolerance)
    assert torch.allclose(mean.grad.double(), mean64.grad, rtol=tolerance, atol=tolerance)
    assert torch.allclose(theta.grad.double(), theta64.grad, rtol=1e-4, atol=tolerance * counts.max())


@pytest.mark.parametrize("n_kinds", [1, 3])
def test_its_gradient_is_that_of_differences(n_kinds):
    rows, _, mean, theta, kind = random_rows(n_kinds, torch.float64, large=False)
    function = lambda m, t: likelihoods.negative_binomial_of_rows(rows, m, t, kind)  # noqa: E731
    assert torch.autograd.gradcheck(function, (mean, theta), rtol=1e-4, atol=1e-6)
