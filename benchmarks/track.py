"""python -m benchmarks.track: see tuneoff.commands.track."""

from tuneoff.commands.track import command

if __name__ == "__main__":
    command()
