"""What to do: the one search that a study recommends, and how sure that is.

The rule, see PROTOCOL 12: of the searches that are not shown to be worse than the best by more than the margin, the cheapest;
of equally cheap ones the simplest whose mean is within the margin of the highest among them. Each is taken at its full cost, as
a user would buy it. The best is the one with the highest mean test score over the repeats that all have. A search is shown to
be worse by more than the margin where the signed-rank test of its shortfall less the margin, corrected by Holm, is below .05
and the interval of the shortfall lies above the margin. Below the fewest repeats that allow such a test nothing is recommended:
what is missing is said, with the gap in plain figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.curves import EQUAL_COST, Searches
from tuneoff.report.frames import Frames
from tuneoff.report.statistics.best import probability_near_best
from tuneoff.report.statistics.comparison import holm, wilcoxon
from tuneoff.report.statistics.crossed import crossed_interval, row_variance
from tuneoff.report.statistics.summary import Interval
from tuneoff.report.verdicts.pairing import pair_up
from tuneoff.report.verdicts.pairwise import MARGIN, ROW_METRIC, RULE, Pair, Rule, difference
from tuneoff.report.verdicts.standing import trivial_score
from tuneoff.report.wording import scale_of, size, usual_margin


@dataclass(frozen=True, kw_only=True)
class Rival:
    """Another search beside the recommended one. lead: its test score minus that of the recommended one, mean over repeats.
    worse: shown to be worse than the best by more than the margin. same: repeats in which one training run wins both."""

    name: str
    lead: Interval
    dollars: float
    worse: bool
    same: int


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """name: of the recommended search; the leading one where repeats are missing. means: mean test scores by search, the
    highest first, over `repeats`. gain: over the untuned default, None without one. sure: probability that no other search is
    better by more than the margin, NaN where repeats are missing. minutes: charged device-minutes of one search. sentence: what
    to do."""

    name: str
    missing: int
    fewest: int
    repeats: int
    metric: str
    margin: float
    means: dict[str, float]
    gain: Interval | None
    untuned: str | None
    random: str | None
    dollars: float
    minutes: float
    sure: float
    rivals: tuple[Rival, ...]
    notes: tuple[str, ...] = ()
    sentence: str = ""


def rule_of(frames: Frames, metric: str, margin: float | None = None) -> Rule:
    """The rule of a study: the margin given, else its own, else the metric's usual one; the looks that were planned, where it
    was run until decided. margin, and a study's own: in points of a share, else in the metric's unit."""
    own = frames.cells["margin"].dropna()
    chosen = float(own.max()) if margin is None and len(own) else margin
    looks, usual = int(frames.cells["looks"].max()), usual_margin(metric)
    if chosen is not None:
        return Rule(margin=chosen / scale_of(metric), looks=looks)
    return Rule(margin=MARGIN if usual is None else usual, looks=looks, assumed=usual is None)


def recommend(searches: Searches, metric: str, rule: Rule = RULE) -> Recommendation | None:
    """None without a repeat that all searches have, with a test score of each."""
    every = [name for name in searches.names if not searches.algorithms.is_replica(name)] or searches.names
    dropped = _dropped(searches, every, metric, rule) if rule.looks > 1 else set()
    names = [name for name in every if name not in dropped]
    scores = searches.scores(names=names)
    if scores.empty:
        return None
    common = list(scores.index)
    means = {name: float(scores[name].mean()) for name in names}
    ranked = sorted(names, key=lambda name: -means[name])
    dollars = {name: float(np.mean([searches.named(name)[k].dollars for k in common])) for name in names}
    dollars |= {name: float(np.mean([run.dollars for run in searches.named(name).values()])) for name in dropped}
    missing, margin = max(0, rule.fewest() - len(common)), rule.margin
    best = ranked[0]
    worse = set() if missing else worse_by_margin(searches, names, best, metric, rule)
    chosen = best if missing else _cheapest(searches, [n for n in ranked if n not in worse], dollars, means, margin)
    untuned = searches.algorithms.untuned(every)
    pairs = {name: pair_up(searches, name, chosen, full_cost=True) for name in (*ranked, *sorted(dropped)) if name != chosen}
    squares = {name: pair.squares if metric == ROW_METRIC else None for name, pair in pairs.items()}
    rivals = tuple(
        Rival(name=n, lead=_lead(pair, metric, rule), dollars=dollars[n], worse=n in worse or n in dropped, same=pair.same)
        for n, pair in pairs.items()
    )
    sure = float("nan")
    others = [name for name in ranked if name != chosen]
    if not missing and others:
        leads = [scores[name].to_numpy() - scores[chosen].to_numpy() for name in others]
        of_rows = [0.0 if (s := squares[name]) is None else row_variance(pairs[name].differences, s) for name in others]
        sure = probability_near_best(np.stack(leads, axis=1), of_rows, margin)
    gain = None if untuned in (None, chosen) else -next(r.lead for r in rivals if r.name == untuned)
    made = Recommendation(
        name=chosen,
        missing=missing,
        fewest=rule.fewest(),
        repeats=len(common),
        metric=metric,
        margin=margin,
        means={name: means[name] for name in ranked},
        gain=gain,
        untuned=untuned,
        random=next((name for name in every if searches.algorithms.is_random(name)), None),
        dollars=dollars[chosen],
        minutes=float(np.mean([searches.named(chosen)[k].charged_seconds for k in common])) / 60,
        sure=sure,
        rivals=rivals,
    )
    made = replace(made, notes=tuple(_cautions(searches, made)))
    return replace(made, sentence=_sentence(made, searches))


def _dropped(searches: Searches, names: Sequence[str], metric: str, rule: Rule) -> set[str]:
    """The searches that a study which runs until decided gave no more repeats: with fewer than others, and shown to be worse by
    those. Fewer alone says nothing: a round may have been cut off."""
    most = max(len(searches.named(name)) for name in names)
    full = [name for name in names if len(searches.named(name)) == most]
    scores = searches.scores(names=full)
    if len(full) == len(names) or scores.empty:
        return set()
    return worse_by_margin(searches, names, str(scores.mean().idxmax()), metric, rule) - set(full)


def worse_by_margin(searches: Searches, names: Sequence[str], best: str, metric: str, rule: Rule = RULE) -> set[str]:
    """The searches shown to be worse than `best` by more than the margin."""
    pairs = [pair_up(searches, best, name, full_cost=True) for name in names if name != best]
    shown = holm([wilcoxon([d - rule.margin for d in pair.differences]) if pair.differences else 1.0 for pair in pairs])
    leads = [_lead(pair, metric, rule) for pair in pairs]
    return {pair.second for pair, p, lead in zip(pairs, shown, leads, strict=True) if p < rule.alpha and lead.low > rule.margin}


def _lead(pair: Pair, metric: str, rule: Rule) -> Interval:
    if not pair.differences:
        return Interval(estimate=float("nan"), low=float("nan"), high=float("nan"))
    made = crossed_interval(sorted(pair.differences), pair.squares if metric == ROW_METRIC else None, 1 - rule.alpha)
    return made.within(*wording.difference_range(metric))


def _cheapest(
    searches: Searches, names: Sequence[str], dollars: Mapping[str, float], means: Mapping[str, float], margin: float
) -> str:
    """names: the highest mean first."""
    least = min(dollars[name] for name in names)
    cheap = [name for name in names if dollars[name] <= EQUAL_COST * least]
    return searches.algorithms.simplest_first(n for n in cheap if means[n] >= means[cheap[0]] - margin - 1e-12)[0]


def _sentence(made: Recommendation, searches: Searches) -> str:
    text = _alone(made, searches) if not made.rivals else _not_yet(made) if made.missing else _what_to_do(made, searches)
    left_out = [name for name in searches.names if name not in made.means and searches.algorithms.is_replica(name)]
    if left_out:
        text += f" {wording.listed(left_out)} repeats a published defect, and is not considered."
    return text


def _alone(made: Recommendation, searches: Searches) -> str:
    """With what would give it a rival: the untuned default, or random search beside that."""
    name = searches.algorithms.by_label[made.name].name
    other = "random" if searches.algorithms.is_untuned(made.name) else "default"
    return (
        f"Only {made.name} has finished, tested runs: there is nothing to compare it with. Run its command again with "
        f"`-m algorithm={','.join(sorted((name, other)))} 'repeat=range({made.fewest})'`; what is done is kept."
    )


def _what_to_do(made: Recommendation, searches: Searches) -> str:
    point, name = size(made.margin, made.metric), made.name
    use = f"Keep the untuned {name}" if searches.algorithms.is_untuned(name) else f"Use {name}"
    level = [rival for rival in made.rivals if not rival.worse]
    if not level:
        return f"{use}: every other search here is shown to be worse by more than {point}."
    use += f" ({wording.chance(made.sure)} sure)"
    cheapest = all(r.dollars > EQUAL_COST * made.dollars for r in level)
    price = "it is clearly the cheapest of them" if cheapest else "none of them costs clearly less"
    among = wording.listed([rival.name for rival in level])
    are = "is" if len(level) == 1 else "are"
    text = f"{use}. {among} {are} not shown to be better or worse by more than {point}, and {price}."
    ahead = max(level, key=lambda r: r.lead.estimate)
    if ahead.lead.estimate > 0 and ahead.lead.high > made.margin:
        text += (
            f" {ahead.name} scored {difference(ahead.lead, made.metric)} higher, for ${format_dollars(ahead.dollars)} against "
            f"${format_dollars(made.dollars)} a search."
        )
    if made.gain is not None and made.untuned in {rival.name for rival in level}:
        text += (
            f" The untuned {made.untuned} costs as much here, so {name} is chosen for its higher mean alone, by "
            f"{difference(made.gain, made.metric)}."
        )
    return text


def _not_yet(made: Recommendation) -> str:
    """The repeats that are missing, then the gap in plain figures."""
    text = (
        f"No recommendation yet: {wording.counted(made.repeats, 'repeat')} of every search, and {made.fewest} are needed for a "
        f"test: run {wording.counted(made.missing, 'more repeat')}."
    )
    first = next(iter(made.means))
    level = [name for name, mean in made.means.items() if abs(mean - made.means[first]) < 1e-12]
    if len(level) > 1:
        return f"{text} So far {wording.listed(level)} are level, at {wording.score([made.means[first]], made.metric)}."
    last = min(made.rivals, key=lambda r: r.lead.estimate)
    gap = difference(Interval(estimate=-last.lead.estimate, low=float("nan"), high=float("nan")), made.metric)
    figures = " against ".join(wording.score([made.means[n]], made.metric) for n in (first, last.name))
    return f"{text} So far {first} is ahead; of {last.name} by {gap} ({figures})."


def _cautions(searches: Searches, made: Recommendation) -> list[str]:
    """What takes the ground from under a recommendation: rows cut off and the like, a trivial baseline that is not beaten,
    winners that collapsed, a search that found what random search had found."""
    cells = searches.cells
    own = cells[cells["algorithm"] == made.name]
    notes, trivial = (
        list(dict.fromkeys(line for text in cells["cautions"] for line in text.splitlines())),
        trivial_score(searches),
    )
    if not np.isnan(trivial):
        below = [name for name, mean in made.means.items() if mean <= trivial + 1e-12]
        answer = f"the best constant answer ({wording.score([trivial], made.metric)})"
        if made.name in below:
            notes.append(f"{made.name} does not beat {answer}: nothing was learned, so no search is worth its money yet.")
        elif below:
            notes.append(f"{wording.listed(below)} {'does' if len(below) == 1 else 'do'} not beat {answer}.")
    trained = int(cells.loc[cells["algorithm"] == made.untuned, "trials"].max()) if made.untuned in made.means else 0
    if trained > 1:
        notes.append(
            f"{made.untuned} is the best on validation of {trained} trainings with the same hyperparameters and other seeds "
            "(algorithm.trials), not one training."
        )
    collapsed = int(own["incumbent_collapsed"].astype(bool).sum())
    if collapsed:
        notes.append(
            f"The winner of {made.name} gives every row the same answer in {collapsed} of "
            f"{wording.counted(len(own), 'repeat')}: nothing was learned there."
        )
    shared = next((rival.same for rival in made.rivals if rival.name == made.random), 0)
    if shared:
        notes.append(
            f"In {shared} of {wording.counted(made.repeats, 'repeat')} {made.name} found the very training run that "
            f"{made.random} found: there the two are one search."
        )
    return notes
