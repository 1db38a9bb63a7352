"""A table in its three forms, to the letter."""

from __future__ import annotations

import pandas as pd

from tuneoff.report.tables._table import Table

TABLE = Table(
    title="Results",
    caption="On 100 % of it.",
    columns=("Algorithm", "acc.", "$"),
    rows=(("grid_1", "65.0 ± 7.1 %", "2.30"), ("pbt", "–", "−1")),
    numbers=pd.DataFrame({"algorithm": ["grid_1", "pbt"], "acc": [0.6501234567890123, float("nan")]}),
    notes=("One.", "Two & three."),
)


def test_markdown_is_padded() -> None:
    assert TABLE.markdown() == (
        "**Results**\n\nOn 100 % of it.\n\n"
        "| Algorithm |         acc. |    $ |\n"
        "|:----------|-------------:|-----:|\n"
        "| grid_1    | 65.0 ± 7.1 % | 2.30 |\n"
        "| pbt       |            – |   −1 |\n\n"
        "- One.\n- Two & three.\n"
    )


def test_csv_has_every_digit_and_nothing_where_nothing_is_known() -> None:
    assert TABLE.csv() == "algorithm,acc\ngrid_1,0.6501234567890123\npbt,\n"


def test_latex_is_escaped_and_aligned() -> None:
    assert TABLE.latex().splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"Algorithm & acc. & \$ \\",
        r"\midrule",
        r"grid\_1 & 65.0 $\pm$ 7.1 \% & 2.30 \\",
        r"pbt & -- & $-$1 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\caption{Results. On 100 \% of it. One. Two \& three.}",
        r"\end{table}",
    ]
