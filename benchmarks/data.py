"""python -m benchmarks.data: see tuneoff.commands.data."""

from tuneoff.commands.data import command

if __name__ == "__main__":
    command()
