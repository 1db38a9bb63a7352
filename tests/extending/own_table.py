import pandas as pd

from tuneoff.plugins import register
from tuneoff.report.tables import BODY, Table


@register("table", "trials_a_dollar")
class TrialsADollar:
    SECTION, RANK = BODY, 100

    @staticmethod
    def table(block, frames):
        cells = frames.finished().cells
        if cells.empty:
            return None
        sums = cells.groupby("algorithm")[["trials", "dollars"]].sum()
        rate = (sums["trials"] / sums["dollars"]).loc[frames.algorithms.order(sums.index)]
        return Table(
            title=f"{block.title}: trials a dollar",
            caption="Trials of all repeats over what they were charged.",
            columns=("Algorithm", "Trials a dollar"),
            rows=tuple((name, f"{value:.1f}") for name, value in rate.items()),
            numbers=pd.DataFrame({"algorithm": rate.index, "trials_a_dollar": rate.to_numpy()}),
            notes=(),
        )
