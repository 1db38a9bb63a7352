"""From records to tables, figures and verdicts. Reads what a study left behind; knows neither Ray nor torch."""
