"""How a call reaches us, and how we place one."""
