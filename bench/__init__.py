"""The benches: what a call costs, how late it sounds, beside the peers it is compared with."""
