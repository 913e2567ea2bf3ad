"""One module per benchmarked method; the name of the module is the id of the method."""
