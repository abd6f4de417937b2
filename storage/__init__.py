"""What a conversation leaves behind, and where it is found again."""
