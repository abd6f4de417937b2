"""`palabre asterisk check`: whether an Asterisk is ready for us, and what to change where not."""
