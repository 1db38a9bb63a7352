"""python -m benchmarks.verify: see tuneoff.commands.verify."""

from tuneoff.commands.verify import command

if __name__ == "__main__":
    command()
