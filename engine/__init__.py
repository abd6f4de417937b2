"""Palabre's engine: frames, links, stages, turns, budgets, flows, sessions.

Standard library only.
Import from the modules; this package imports nothing by itself.
"""
