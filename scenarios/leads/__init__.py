"""Lead qualification: outbound calls about savings."""
