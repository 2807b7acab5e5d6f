"""The demonstration: an invented German retailer, its journey, and a year of plausible clicks."""
