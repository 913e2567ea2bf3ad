"""Neighbours of cells, graphs of them, clusters, and how well two clusterings agree."""
