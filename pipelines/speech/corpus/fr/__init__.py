"""What callers say in French."""
