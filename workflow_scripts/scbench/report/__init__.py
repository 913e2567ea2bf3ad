"""Tables and figures, made from the summary tables and the embeddings only."""
