"""Small local servers that speak other people's wires, for tests."""
