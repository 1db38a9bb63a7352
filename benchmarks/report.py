"""python -m benchmarks.report: see tuneoff.commands.report."""

from tuneoff.commands.report import command

if __name__ == "__main__":
    command()
