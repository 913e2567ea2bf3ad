"""Where data come from: simulation, readers, validation, preparation."""
