"""A small SIP user agent (RFC 3261) with RTP (RFC 3550): the far end of real calls."""
