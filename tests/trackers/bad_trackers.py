"""Trackers as they are on a bad day: one raises, with a key in its message, one never returns, one ends its process."""

from __future__ import annotations

import os
import time

from tests.extending.own_tracker import Lines
from tuneoff.plugins import register


@register("tracker", "raising")
class Raising(Lines):
    def evaluated(self, event):
        raise ConnectionError(f"no answer to key {os.environ.get('WANDB_API_KEY')}")


@register("tracker", "hanging")
class Hanging(Lines):
    def evaluated(self, event):
        time.sleep(600)


@register("tracker", "dying")
class Dying(Lines):
    def evaluated(self, event):
        os._exit(3)
