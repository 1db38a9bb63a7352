"""python -m benchmarks.run: see tuneoff.commands.run."""

from tuneoff.commands.run import command

if __name__ == "__main__":
    command()
