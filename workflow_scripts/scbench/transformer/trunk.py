"""The trunk of the gene Transformer: a token per gene, attention over the genes of a cell.

A token is the gene's vector, which says what gene it is, plus an embedding of its value. Two trunks share them:
`FullTrunk` is a Transformer encoder over genes, whose cost grows with the square of their number; `LatentTrunk`, for a
CPU, lets a few learned queries attend to the genes, attends among these, and lets genes ask them. Sources: Vaswani et
al. 2017, arXiv 1706.03762; Jaegle et al. 2021, arXiv 2107.14795 (latents); Yang et al. 2022,
doi 10.1038/s42256-022-00534-z (gene vectors as positions).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from scbench.transformer.parameters import TrunkParameters

GAIN = 20.0  # a gene's own vector must learn faster than weights that all genes share


def fit_width(vectors: torch.Tensor, width: int) -> torch.Tensor:
    """Bring vectors (n_genes, any) to `width`: padded with zeros if narrower, else their principal components."""
    if vectors.shape[1] > width:
        centred = (vectors - vectors.mean(0)).double()
        left, singular, _ = torch.linalg.svd(centred, full_matrices=False)
        vectors = (left * singular)[:, :width].float()
    return nn.functional.pad(vectors, (0, width - vectors.shape[1]))


class Attention(nn.Module):
    """Multi-head attention of tokens (n, q, width) to others (n, k, width)."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)

    def forward(self, tokens: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        query, key, value = self._projected(tokens, others)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def weights(self, tokens: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """(n, q, k): how much each token attends to each other one, the mean over heads."""
        query, key, _ = self._projected(tokens, others)
        return torch.softmax(query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5, dim=-1).mean(1)

    def _projected(self, tokens, others):
        """Queries, keys and values, each (n, n_heads, tokens, width / n_heads)."""
        parts = self.query(tokens), *self.key_value(others).chunk(2, dim=-1)
        return [part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in parts]


class Block(nn.Module):
    """A layer of a Transformer encoder, with layer normalisation before each of its two parts."""

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
    """What both trunks share: the tokens of genes, and the expression that is read from their outputs.

    Values are log-normalised expression relative to the mean of a gene. The embedding of a value x is
    x (w + U p) + b, where p is the gene's vector: a linear layer whose weight depends on the gene, because what all
    genes share averages to the depth of a cell and drowns the rest.

    `options.position`: vectors and random, genes have given or random vectors, to which a learned part is added; none,
    genes cannot be told apart.
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
        """Take the sum of the vectors (n_genes, any width) of all sources, each brought to the width and variance 1."""
        self.given.zero_()
        for vectors in sources:
            fitted = fit_width(torch.from_numpy(vectors), self.width)
            self.given += fitted / fitted.std().clamp_min(1e-6)

    def gene_vectors(self, genes: torch.Tensor) -> torch.Tensor:
        """(k, width) of genes (k,)."""
        return self.given[genes] + GAIN * self.learned[genes]

    def per_value(self, vectors: torch.Tensor) -> torch.Tensor:
        """(k, width): what a unit of expression adds to the token of a gene with that vector."""
        return self.value.weight[:, 0] + self.value_of_gene(vectors)

    def tokens(self, values: torch.Tensor, genes: torch.Tensor) -> torch.Tensor:
        """(n, k, width) of values (n, k) of genes (k,)."""
        vectors = self.gene_vectors(genes)
        return values[:, :, None] * self.per_value(vectors) + (self.value.bias + vectors)

    def masked_tokens(self, n: int, genes: torch.Tensor) -> torch.Tensor:
        """(n, k, width): the mask in place of the embedding of a value, the gene still known."""
        return (self.mask + self.gene_vectors(genes)).expand(n, -1, -1)

    def expression(self, outputs: torch.Tensor) -> torch.Tensor:
        """(n, k) of outputs (n, k, width), in standard deviations of the gene."""
        return self.to_expression(self.last(outputs)).squeeze(-1)


class LatentTrunk(Trunk):
    """A few latents attend to the genes, then to each other; genes ask them. Cost: genes x latents."""

    def __init__(self, n_genes: int, options: TrunkParameters) -> None:
        super().__init__(n_genes, options)
        self.read_in = Attention(self.width, 1)
        # a cell differs little from the mean cell at first, and all of it is in that difference
        self.norm = nn.BatchNorm1d(self.latents.numel(), eps=1e-6, momentum=0.05)
        self.read_out = Attention(self.width, options.n_heads)

    def cell(self, values: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """Tokens of the cell, (n, n_latents, width), of values (n, k) of the genes `shown` (k,).

        What the latents read is taken relative to what they read of the mean cell, whose values are 0.
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
        """Tokens of the cell and outputs (n, a, width) of genes `asked` (a,), whose values are not shown."""
        cell = self.cell(values, shown)
        return cell, self._ask(self.masked_tokens(len(values), asked), cell)

    def embed(self, values: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """Outputs (n, k, width) of the genes shown."""
        return self._ask(self.tokens(values, shown), self.cell(values, shown))

    def attention(self, values: torch.Tensor, shown: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """From genes to latents (n, k, m) and from latents to genes (n, m, k); their product is from gene to gene."""
        cell = self.cell(values, shown)
        return self.read_out.weights(self.tokens(values, shown), cell), self._attend(values, shown)[0]

    def _ask(self, tokens: torch.Tensor, cell: torch.Tensor) -> torch.Tensor:
        return tokens + self.read_out(tokens, cell)

    def _attend(self, values, shown):
        """Softmax attention of the latents, (n, m, k), and what genes give: (k, width) and that per unit of value.

        A token is affine in its value, so that keys and values of attention are affine in it, too: they need not be
        made for every cell.
        """
        vectors = self.gene_vectors(shown)
        constant = self.read_in.key_value(self.value.bias + vectors)
        slope = self.per_value(vectors) @ self.read_in.key_value.weight.T
        (key, value), (key_slope, value_slope) = constant.chunk(2, dim=1), slope.chunk(2, dim=1)
        query = self.read_in.query(self.latents) * self.width**-0.5
        scores = torch.addcmul((query @ key.T)[None], values[:, None], (query @ key_slope.T)[None])
        return torch.softmax(scores, dim=-1), value, value_slope


class FullTrunk(Trunk):
    """A Transformer encoder over genes; latents attend to its outputs. Cost: genes squared."""

    def __init__(self, n_genes: int, options: TrunkParameters) -> None:
        super().__init__(n_genes, options)
        self.read_in = Attention(self.width, options.n_heads)

    def cell(self, values: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """Tokens of the cell, (n, n_latents, width), of values (n, k) of the genes `shown` (k,)."""
        return self._pool(self.embed(values, shown))

    def forward(
        self, values: torch.Tensor, shown: torch.Tensor, asked: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens of the cell and outputs (n, a, width) of genes `asked` (a,), whose values are not shown."""
        outputs = torch.cat([self.tokens(values, shown), self.masked_tokens(len(values), asked)], dim=1)
        for block in self.blocks:
            outputs = block(outputs)
        return self._pool(outputs[:, : len(shown)]), outputs[:, len(shown) :]

    def embed(self, values: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """Outputs (n, k, width) of the genes shown."""
        outputs = self.tokens(values, shown)
        for block in self.blocks:
            outputs = block(outputs)
        return outputs

    def attention(self, values: torch.Tensor, shown: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Attention of the last layer from gene to gene, (n, k, k), as two factors of which one is the identity."""
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
