"""Parts of the benchmark scripts. Standard library only."""
