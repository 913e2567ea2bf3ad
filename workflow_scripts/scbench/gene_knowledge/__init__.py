"""Prior knowledge about genes as gene vectors: co-expression, and tables of gene functions."""
