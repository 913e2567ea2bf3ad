"""Building blocks of scDML: scaling per batch, triplets, networks, self-training."""
