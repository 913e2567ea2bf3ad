"""The trunk of the gene Transformer: a token per gene, attention over the genes of a cell.

A token is the sum of the gene's vector, which identifies the gene, and an embedding of its value. There are two trunks.
`FullTrunk` is a Transformer encoder over genes; its cost is quadratic in the number of genes. `LatentTrunk` is fast on
a CPU: a few learned queries, the latents, attend to the genes and to each other, and genes attend to the latents.
Sources: Vaswani et al. 2017, arXiv 1706.03762; Jaegle et al. 2021, arXiv 2107.14795 (latents); Yang et al. 2022,
doi 10.1038/s42256-022-00534-z (gene vectors as positions).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from scbench.transformer.parameters import TrunkParameters

GAIN = 20.0  # the vector of a gene must learn faster than the weights shared by all genes


def fit_width(vectors: torch.Tensor, width: int) -> torch.Tensor:
    """Resize vectors (n_genes, any) to `width`: pad with zeros if narrower, otherwise take principal components."""
    if vectors.shape[1] > width:
        centred = (vectors - vectors.mean(0)).double()
        left, singular, _ = torch.linalg.svd(centred, full_matrices=False)
        vectors = (left * singular)[:, :width].float()
    return nn.functional.pad(vectors, (0, width - vectors.shape[1]))


class Attention(nn.Module):
    """Multi-head attention from tokens (n, q, width) to others (n, k, width).

    Tokens that are the same for all cells can be given once, as (1, q, width).
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)

    def forward(self, tokens: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        query, key, value = self._projected(tokens, others)
        mixed = nn.functional.scaled_dot_product_attention(query.expand(len(key), -1, -1, -1), key, value)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def weights(self, tokens: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return the attention weights from tokens to others, (n, q, k), mean over heads."""
        query, key, _ = self._projected(tokens, others)
        return torch.softmax(query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5, dim=-1).mean(1)

    def _projected(self, tokens, others):
        """Return queries, keys and values, each (n, n_heads, tokens, width / n_heads)."""
        parts = self.query(tokens), *self.key_value(others).chunk(2, dim=-1)
        return [part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in parts]


class Block(nn.Module):
    """Transformer encoder layer with layer normalisation before attention and before the perceptron."""

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width, n_heads)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        normal = self.norms[0](tokens)
        tokens = tokens + self.dropout(self.attention(normal, normal))
        return tokens + self.dropout(self.feed_forward(self.norms[1](tokens)))


class Trunk(nn.Module):
    """Base class of both trunks: gene tokens, and expression predicted from their outputs.

    Values are log-normalised expression relative to the mean of a gene. The embedding of a value x is
    x (w + U p) + b, where p is the gene's vector: a linear layer whose weight depends on the gene. With the same weight
    for all genes, the mean over genes would be the sequencing depth of the cell and hide everything else.

    `options.position`: with vectors and random, genes have given or random vectors plus a learned part; with none, the
    genes cannot be distinguished.
    """

    given: torch.Tensor

    def __init__(self, n_genes: int, options: TrunkParameters) -> None:
        super().__init__()
        self.options, self.width = options, options.width
        width, position = options.width, options.position
        self.value = nn.Linear(1, width)
        self.value_of_gene = nn.Linear(width, width, bias=False)
        self.mask = nn.Parameter(0.02 * torch.randn(width))
        self.register_buffer(
            "given", torch.randn(n_genes, width) if position != "none" else torch.zeros(n_genes, width)
        )
        self.learned = nn.Parameter(torch.zeros(n_genes, width), requires_grad=position != "none")
        self.latents = nn.Parameter(torch.randn(options.n_latents, width))
        self.blocks = nn.ModuleList([Block(width, options.n_heads, options.dropout) for _ in range(options.depth)])
        self.last = nn.LayerNorm(width)
        self.to_expression = nn.Linear(width, 1)

    @torch.no_grad()
    def give(self, sources: Iterable[np.ndarray]) -> None:
        """Set the gene vectors to the sum over sources of vectors (n_genes, any), resized and scaled to variance 1."""
        self.given.zero_()
        for vectors in sources:
            fitted = fit_width(torch.from_numpy(vectors), self.width)
            self.given += fitted / fitted.std().clamp_min(1e-6)

    def gene_vectors(self, genes: torch.Tensor) -> torch.Tensor:
        """Return the vectors (k, width) of genes (k,)."""
        return self.given[genes] + GAIN * self.learned[genes]

    def per_value(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the change of a gene's token per unit of expression, (k, width), given the gene vectors."""
        return self.value.weight[:, 0] + self.value_of_gene(vectors)

    def tokens(self, values: torch.Tensor, genes: torch.Tensor) -> torch.Tensor:
        """Return the tokens (n, k, width) of values (n, k) of genes (k,)."""
        vectors = self.gene_vectors(genes)
        return values[:, :, None] * self.per_value(vectors) + (self.value.bias + vectors)

    def masked_tokens(self, genes: torch.Tensor) -> torch.Tensor:
        """Return the tokens (1, k, width) of hidden genes, the same for all cells: the gene vector plus the mask."""
        return (self.mask + self.gene_vectors(genes))[None]

    def expression(self, outputs: torch.Tensor) -> torch.Tensor:
        """Return the predicted expression (n, k) from outputs (n, k, width), in standard deviations of the gene."""
        return self.to_expression(self.last(outputs)).squeeze(-1)


class LatentTrunk(Trunk):
    """A few latents attend to the genes, then to each other; genes attend to the latents. Cost: genes x latents."""

    def __init__(self, n_genes: int, options: TrunkParameters) -> None:
        super().__init__(n_genes, options)
        self.read_in = Attention(self.width, 1)
        # all information is in the difference from the mean cell, which is small at first
        self.norm = nn.BatchNorm1d(self.latents.numel(), eps=1e-6, momentum=0.05)
        self.read_out = Attention(self.width, options.n_heads)

    def cell(self, values: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """Return the cell tokens (n, n_latents, width) from values (n, k) of the genes `shown` (k,).

        The output of the attention is taken relative to that for the mean cell, whose values are 0.
        """
        with_mean_cell = nn.functional.pad(values, (0, 0, 0, 1))
        weights, per_gene, per_value = self._attend(with_mean_cell, shown)
        read = weights.flatten(0, 1) @ per_gene + (weights * with_mean_cell[:, None]).flatten(0, 1) @ per_value
        read = self.read_in.out(read).view(len(with_mean_cell), -1)
        tokens = self.latents + self.norm(read[:-1] - read[-1]).unflatten(1, self.latents.shape)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens

    def forward(
        self, values: torch.Tensor, shown: torch.Tensor, asked: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the cell tokens and the outputs (n, a, width) of the hidden genes `asked` (a,)."""
        cell = self.cell(values, shown)
        return cell, self._ask(self.masked_tokens(asked), cell)

    def embed(self, values: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """Return the outputs (n, k, width) of the genes `shown` (k,)."""
        return self._ask(self.tokens(values, shown), self.cell(values, shown))

    def attention(self, values: torch.Tensor, shown: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return attention from genes to latents (n, k, m) and from latents to genes (n, m, k).

        Their product is the attention from gene to gene.
        """
        cell = self.cell(values, shown)
        return self.read_out.weights(self.tokens(values, shown), cell), self._attend(values, shown)[0]

    def _ask(self, tokens: torch.Tensor, cell: torch.Tensor) -> torch.Tensor:
        return tokens + self.read_out(tokens, cell)

    def _attend(self, values, shown):
        """Return the attention of the latents, (n, m, k), and the values of genes, (k, width): constant part and slope.

        A token is affine in its expression value, and so are the keys and values of attention. They do not have to be
        computed for every cell.
        """
        vectors = self.gene_vectors(shown)
        constant = self.read_in.key_value(self.value.bias + vectors)
        slope = self.per_value(vectors) @ self.read_in.key_value.weight.T
        (key, value), (key_slope, value_slope) = constant.chunk(2, dim=1), slope.chunk(2, dim=1)
        query = self.read_in.query(self.latents) * self.width**-0.5
        scores = torch.addcmul((query @ key.T)[None], values[:, None], (query @ key_slope.T)[None])
        return torch.softmax(scores, dim=-1), value, value_slope


class FullTrunk(Trunk):
    """Transformer encoder over genes; latents attend to its outputs. Cost: genes squared."""

    def __init__(self, n_genes: int, options: TrunkParameters) -> None:
        super().__init__(n_genes, options)
        self.read_in = Attention(self.width, options.n_heads)

    def cell(self, values: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """Return the cell tokens (n, n_latents, width) from values (n, k) of the genes `shown` (k,)."""
        return self._pool(self.embed(values, shown))

    def forward(
        self, values: torch.Tensor, shown: torch.Tensor, asked: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the cell tokens and the outputs (n, a, width) of the hidden genes `asked` (a,)."""
        hidden = self.masked_tokens(asked).expand(len(values), -1, -1)
        outputs = torch.cat([self.tokens(values, shown), hidden], dim=1)
        for block in self.blocks:
            outputs = block(outputs)
        return self._pool(outputs[:, : len(shown)]), outputs[:, len(shown) :]

    def embed(self, values: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """Return the outputs (n, k, width) of the genes `shown` (k,)."""
        outputs = self.tokens(values, shown)
        for block in self.blocks:
            outputs = block(outputs)
        return outputs

    def attention(self, values: torch.Tensor, shown: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the attention of the last layer from gene to gene, (n, k, k), and the identity as a second factor."""
        outputs = self.tokens(values, shown)
        for block in self.blocks[:-1]:
            outputs = block(outputs)
        last = self.blocks[-1]
        assert isinstance(last, Block)
        normal = last.norms[0](outputs)
        weights = last.attention.weights(normal, normal)
        return weights, torch.eye(len(shown), device=weights.device).expand(len(values), -1, -1)

    def _pool(self, outputs: torch.Tensor) -> torch.Tensor:
        return self.latents + self.read_in(self.latents.expand(len(outputs), -1, -1), outputs)


TRUNKS: dict[str, type[LatentTrunk] | type[FullTrunk]] = {"latent": LatentTrunk, "full": FullTrunk}
