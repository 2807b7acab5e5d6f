"""Programs that measure what `docs/performance.md` promises; README.md says how to run them."""
