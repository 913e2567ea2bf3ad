"""What all families of neural models are built from: cells, networks, likelihoods, training."""
