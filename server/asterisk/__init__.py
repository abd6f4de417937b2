"""Asterisk at the server's edge: its media, and the control of its calls."""
