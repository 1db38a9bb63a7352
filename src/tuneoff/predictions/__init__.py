"""What a replay predicts, as a section of its own: Markdown, CSV and one figure. Never mixed with recorded repeats."""
