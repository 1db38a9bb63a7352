"""The records of a study: their schema, their files, and the facts that are read from them."""
