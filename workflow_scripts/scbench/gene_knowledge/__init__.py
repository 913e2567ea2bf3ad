"""What is known of genes before a cell is seen: their co-expression, and tables of what they do."""
