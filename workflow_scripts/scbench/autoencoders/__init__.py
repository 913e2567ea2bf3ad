"""The autoencoder families: models, objective, further training stages, generation."""
