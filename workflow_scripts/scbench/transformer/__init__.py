"""The gene Transformer: a trunk with attention over genes, its training, and applications of a pretrained trunk."""
