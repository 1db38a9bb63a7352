"""A tracker from outside the repository: one line of text an evaluation, in a file."""

from dataclasses import dataclass
from pathlib import Path

from tuneoff.plugins import register
from tuneoff.trackers.contracts import Tracker


@dataclass(frozen=True, kw_only=True)
class Settings:
    file: str = "lines.txt"


@register("tracker", "lines")
class Lines(Tracker):
    Settings = Settings

    @classmethod
    def destination(cls, settings, place):
        return str(place.folder / settings.file)  # what was sent is noted for each destination

    def __init__(self, settings, place):
        place.folder.mkdir(parents=True, exist_ok=True)
        self.file, self.lines = Path(self.destination(settings, place)), []

    def evaluated(self, event):
        self.lines.append(f"{event.trial.path} {event.examples} {event.values}\n")

    def flush(self):
        with self.file.open("a") as file:
            file.writelines(self.lines)
        self.lines.clear()

    def begin_search(self, search): ...
    def begin_trial(self, trial): ...
    def trial_ended(self, event): ...
    def progress(self, event): ...
    def search_state(self, state): ...
    def report(self, report): ...
