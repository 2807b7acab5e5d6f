"""What the clicks meant: periods, statistics, verdicts."""
