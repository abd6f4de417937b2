"""Density: how many realtime duplex calls one core carries, and how well."""
