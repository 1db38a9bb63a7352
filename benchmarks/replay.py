"""python -m benchmarks.replay: see tuneoff.commands.replay."""

from tuneoff.commands.replay import command

if __name__ == "__main__":
    command()
