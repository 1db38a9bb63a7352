"""Schedulers, one a file: which trial goes on, stops or continues from another."""
