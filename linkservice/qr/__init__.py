"""How a link looks in print."""
