"""`python -m bench`."""

from bench.cli import app

if __name__ == "__main__":  # a bench's own processes import this module again
    app(prog_name="python -m bench")
