"""People: everything that a person or an inbox does. Letters are written here; none is sent."""
