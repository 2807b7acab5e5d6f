"""Mail to people, sent in the background; not here: what it says (the doors)."""
