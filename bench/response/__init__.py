"""Response: from the caller's last sound to our first, at the far end, and where the time went."""
