"""AudioSocket: a call's sound over TCP, in the pace that we set."""
