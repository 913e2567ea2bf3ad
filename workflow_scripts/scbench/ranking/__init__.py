"""From raw scores to a ranking: scaling to controls, totals, uncertainty."""
