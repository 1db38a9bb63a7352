"""A study checked against itself: its records by their rules and seals, its report by deriving it again from them."""
