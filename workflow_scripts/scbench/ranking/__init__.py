"""From raw scores to a ranking: scaling by controls, totals, uncertainty."""
