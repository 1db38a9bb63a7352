"""What a study leaves behind: its schema, its files, and what can be read from them."""
