"""Gene vectors from co-expression: gene2vec (pairs as sentences) and node2vec (uniform random walks).

Sources: Du et al. 2019, doi 10.1186/s12864-018-5370-x (gene2vec); Perozzi et al. 2014, arXiv 1403.6652 (uniform walks,
which are node2vec with p = q = 1: Grover and Leskovec 2016, arXiv 1607.00653).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from scbench.provenance import package_versions
from scbench.seeding import generator

CONTEXTS = 3_000_000  # (word, context) pairs in training; with few gene pairs, each is used more often
MAX_EPOCHS = 100


class Sentences:
    """Sentences in a new random order on each iteration."""

    def __init__(self, sentences: Sequence[list[str]], rng: np.random.Generator) -> None:
        self.sentences, self.rng = sentences, rng

    def __iter__(self) -> Iterator[list[str]]:
        return (self.sentences[i] for i in self.rng.permutation(len(self.sentences)))


def from_pairs(
    source: str, pairs: Sequence[list[str]], report: dict, genes: np.ndarray, *, width: int
) -> tuple[np.ndarray, dict]:
    """Return vectors by gene2vec or node2vec and the report on the pairs; without pairs, no vectors and a reason."""
    if not pairs:
        return np.zeros((0, 0), dtype=np.float32), report | {"off": "no two genes are expressed together"}
    vectors = {"gene2vec": gene2vec, "node2vec": node2vec}[source](pairs, genes, width=width, seed=0)
    return vectors, report | {"versions": package_versions("gensim")}


def gene2vec(pairs: Sequence[list[str]], genes: np.ndarray, *, width: int, seed: int) -> np.ndarray:
    """Train skip-gram on gene pairs, each of which is a sentence of two words.

    Parameters
    ----------
    pairs
        Pairs of gene names.
    genes
        (n_genes,) names of the genes that need vectors.

    Returns
    -------
    (n_genes, width) float32; genes without a pair get the mean vector. The same seed gives identical results.
    """
    return skip_gram(pairs, genes, width=width, window=1, seed=seed)


def node2vec(pairs: Sequence[list[str]], genes: np.ndarray, *, width: int, seed: int) -> np.ndarray:
    """Train skip-gram on 10 uniform random walks of 20 genes from every gene with a pair; see `gene2vec`."""
    rng = generator(seed, "walks")
    neighbours: dict[str, list[str]] = {}
    for a, b in pairs:
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    walks = []
    for start in [gene for gene in neighbours for _ in range(10)]:
        walk = [start]
        for step in rng.random(19):
            around = neighbours[walk[-1]]
            walk.append(around[int(step * len(around))])
        walks.append(walk)
    return skip_gram(walks, genes, width=width, window=5, seed=seed)


def skip_gram(sentences: Sequence[list[str]], genes: np.ndarray, *, width: int, window: int, seed: int) -> np.ndarray:
    """Train skip-gram with negative sampling and return (n_genes, width) float32; unknown genes get the mean vector."""
    from gensim.models import Word2Vec

    words = sum(map(len, sentences))
    model = Word2Vec(
        Sentences(sentences, generator(seed, "sentences")),
        vector_size=width,
        window=window,
        sg=1,
        min_count=1,
        sample=0,  # no subsampling, because in a vocabulary of genes every word is frequent
        epochs=int(np.clip(round(CONTEXTS / (words * window)), 1, MAX_EPOCHS)),
        workers=1,
        seed=seed,
    )
    known = model.wv.key_to_index
    mean = model.wv.vectors.mean(axis=0)
    return np.stack([model.wv[gene] if gene in known else mean for gene in genes]).astype(np.float32)
