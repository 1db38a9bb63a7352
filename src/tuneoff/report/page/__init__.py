"""A study's report as files: a page in Markdown, one in HTML, and a page over all studies."""
