"""The commands of ./scbench: each module adds one or more of them to the parser; see `scbench.cli`."""
