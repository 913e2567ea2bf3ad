"""What scDML is built from: scaling per batch, a graph of clusters, merging, triplets, the network."""
