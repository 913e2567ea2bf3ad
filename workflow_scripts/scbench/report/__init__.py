"""Tables and figures, drawn from the summary and the embeddings only."""
