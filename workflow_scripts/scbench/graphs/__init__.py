"""Nearest neighbours of cells, neighbour graphs, clustering, and agreement of two clusterings."""
