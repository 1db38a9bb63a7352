"""Statistics as pure functions over arrays, a module an idea. None reads records, none draws without a generator.

summary      mean, sd, interquartile mean, intervals
comparison   is A better than B: probability of improvement, paired tests, McNemar
ranks        more than two algorithms over many blocks: Friedman, Nemenyi's critical difference
selection    what choosing by validation score does: optimism, expected maximum
target       cost to a target, performance profiles
power        how many repeats a verdict needs
best         how probably each of several is the best
distributions  the quantiles, tails and ranks that these need
"""
