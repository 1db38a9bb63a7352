"""The only modules here that know Ray Tune: its `Searcher` and `TrialScheduler` around ours."""
