"""Tables of others, one format a file: `read(path, options)` gives the trials that a foreign log holds."""
