"""tuneoff run|report|...: the commands of an installed package; in a checkout also python -m benchmarks.run ..."""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = ("run", "report", "replay", "data", "verify", "track", "list")


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        wanted = name in ("-h", "--help")
        print(
            f"usage: tuneoff {{{','.join(COMMANDS)}}} ...   (tuneoff COMMAND --help says more)",
            file=sys.stdout if wanted else sys.stderr,
        )
        sys.exit(0 if wanted else 2)
    sys.argv[:2] = [f"tuneoff {name}"]
    import_module(f"tuneoff.commands.{name}").command()


if __name__ == "__main__":
    main()
