"""The result page: one HTML file with tables and pictures that a browser opens without a network."""
