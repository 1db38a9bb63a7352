"""Statistics as pure functions over arrays, a module an idea. None reads records, none draws without a generator.

summary      mean, sd, interquartile mean, intervals
comparison   is A better than B: probability of improvement, paired tests, McNemar
ranks        more than two algorithms over many blocks: Friedman, Nemenyi's critical difference
selection    effects of choosing by validation score: optimism, expected maximum
overtuning   results that going on with a search made worse on test
target       cost to a target, performance profiles
several_tasks  means over tasks, with tasks as a source of chance
power        the number of repeats that a verdict needs
best         the probability of each of several to be the best
baseline     the score of a constant answer
distributions  the quantiles, tails and ranks that these need
"""
