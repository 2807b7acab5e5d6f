"""The app door for people."""
