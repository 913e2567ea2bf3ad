"""Analyses: evidence about finished runs of one kind of model, beyond the scores; methods declare their analyses."""
