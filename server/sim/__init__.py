"""The whole engine on a virtual clock: simulated callers, networks and services, real everything
else (docs/sim.md)."""
