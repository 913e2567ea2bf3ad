"""What the neural methods are built from: networks, likelihoods, training."""
