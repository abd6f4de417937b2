"""What is said in the bench's scenes: one file for each language."""
