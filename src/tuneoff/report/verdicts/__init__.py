"""Statements that the evidence allows: pairs of searches, questions, single runs, budgets, early stopping, two studies.

pairwise        the rule: a pair of searches, its numbers and its sentence
pairing         pairs from a study, repeat by repeat, at equal cost
questions       which question a pair answers, and the correction over the pairs of one question
findings        all pairs of a block, and remarks on the limits of the evidence
headline        the findings in a few sentences
single_runs     two tuned models on one test set; the published table of one run each
best_by_budget  the most probable best search at each budget
stopping_audit  the cost that stopping early saved, and an estimate of the score that it lost
comparability   whether the numbers of two studies compare
"""
