"""The scenario of the benchmarks: one line, answered by anything, for ever."""
