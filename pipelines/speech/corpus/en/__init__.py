"""What callers say in English."""
