"""Evidence about finished runs of one kind of model, beyond the scores; declared by the methods it belongs to."""
