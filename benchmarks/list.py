"""python -m benchmarks.list: see tuneoff.commands.list."""

from tuneoff.commands.list import command

if __name__ == "__main__":
    command()
