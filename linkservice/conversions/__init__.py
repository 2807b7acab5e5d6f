"""What came of a click: conversions, and which touchpoint brought them."""
