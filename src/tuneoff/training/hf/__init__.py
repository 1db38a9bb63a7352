"""`engine=hf_trainer`: the trials of a search are trained by a user's own transformers.Trainer.

make        the user's function, found and read without running it
arguments   the hyperparameters that it and TrainingArguments take
build       a Trainer from hyperparameters
order       the order of an epoch's examples, so that a trial goes on at the right one
state       all that a trial needs to go on, taken from a Trainer and put into another
drive       a Trainer's own train(), stopped at its evaluations
trial       a trial: evaluations, scores and costs
probe       the facts of a Trainer, in the driver, before anything is trained
"""
