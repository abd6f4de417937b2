"""What every implementation of a port of the engine has to do, fakes included.

Each module holds `CASES`: coroutine functions that take an implementation, so that one that needs
a real loop and a server runs the same cases as one in virtual time.
"""
