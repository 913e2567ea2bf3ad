"""The gene Transformer: a trunk that attends over genes, its three modes, annotation, a look at its attention."""
