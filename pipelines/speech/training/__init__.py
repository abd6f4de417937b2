"""How the demo recogniser is made: speech synthesised with its labels, features, a network.

Numpy and espeak-ng only. `palabre models train` runs all of it.
"""
