"""Building blocks of all neural models: minibatches, networks, likelihoods, training."""
