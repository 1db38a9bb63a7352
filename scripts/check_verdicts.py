"""python scripts/check_verdicts.py [--studies 4000] [--tables repeats rows looks recommendation audit]

Do the verdicts keep their promises? Simulated studies with a known truth.

First table: how often the 95 % intervals cover the true difference (asked: 93 to 97 %), and how often a study has a false
verdict, over all its questions (asked: at most 5 % where nothing differs). `--records` of them also go through whole records
and frames, and must come out the same. Truths: nothing differs; every search is 5 points better than the untuned default, else
nothing; one search is also 2 points better. Every repeat has its own luck (split, sd 1 point), shared by all searches, and
every search its own (sd 1.2 points), normal, or skewed (a shifted exponential); scores are whole examples of a test set of
1,000.

Second table: two searches whose truth is that of all rows that a test set could have had. A row has a difficulty, and a search
its own bent for it (none, or sd 0.5 of the difficulty's); predictions are right where difficulty, bent, the run's luck and the
rest's are above 0 together. How often does the interval cover the truth, with the rows' chance and without? And two searches
that are apart by exactly the margin: how often are they called equivalent (asked: at most 5 %)?

Third table: studies that are judged after several numbers of repeats, as `until=decided` does. How often does one have a false
verdict at any of the looks, with the level shared between them and without (asked, shared: at most 5 %)?

Fourth table: what a study recommends, of searches of one price, or where the one that may be better costs four times as much.
How often is it worse than the best by more than the margin, how often dearer than one that is as good, and how sure do studies
say they are?

Fifth table: a random share of the stopped trials goes on to its end. How often do the intervals hold the number of trials that
were stopped wrongly, and the regret (asked: 95 % or more)?
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from verdict_checks.audit import print_audit
from verdict_checks.looks import print_looks
from verdict_checks.recommendation import print_recommendations
from verdict_checks.repeats import print_repeats
from verdict_checks.rows import print_rows
from verdict_checks.studies import NAMES


def main() -> None:
    tables: dict[str, Callable[[argparse.Namespace], None]] = {
        "repeats": lambda o: print_repeats(o.studies, o.searches, o.repeats, o.records),
        "rows": lambda o: print_rows(o.studies, o.repeats, o.rows),
        "looks": lambda o: print_looks(o.studies, o.searches, o.looks),
        "recommendation": lambda o: print_recommendations(o.studies, o.searches, [n for n in o.repeats if n >= 6]),
        "audit": lambda o: print_audit(o.studies),
    }
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--studies", type=int, default=4000)
    parser.add_argument("--tables", nargs="+", choices=list(tables), default=list(tables))
    parser.add_argument("--records", type=int, default=40)
    parser.add_argument("--repeats", type=int, nargs="+", default=[3, 5, 10, 20])
    parser.add_argument("--searches", type=int, default=6, help=f"with the untuned default, 3 to {len(NAMES)}")
    parser.add_argument("--rows", type=int, nargs="+", default=[277, 1725], help="test rows of the second table")
    parser.add_argument("--looks", type=int, nargs="+", default=[6, 10, 16, 24], help="repeats after which a study is judged")
    options = parser.parse_args()
    began, count = time.monotonic(), options.searches
    print(f"{options.studies} studies a row, {count} algorithms, {count * (count - 1) // 2} pairs each")
    for name in options.tables:
        print()
        tables[name](options)
    print(f"\n{time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
