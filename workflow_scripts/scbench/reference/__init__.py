"""What the methods of other projects have in common."""
