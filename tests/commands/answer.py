"""What a command answers to its arguments before it starts anything, in this process."""

from __future__ import annotations

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from tuneoff.commands.arguments import read_command_line
from tuneoff.commands.composition import composed, to_config
from tuneoff.commands.explain import explain
from tuneoff.config import RunConfig
from tuneoff.errors import UserError


def read(*arguments: str) -> RunConfig:
    """As a command reads them."""
    return to_config(composed(read_command_line(arguments).for_hydra))


def complaint(*arguments: str) -> str:
    """The message with which a command ends, or "" where nothing is wrong. Any other error is one of ours."""
    try:
        read(*arguments)
    except UserError as error:
        return str(error)
    except (HydraException, OmegaConfBaseException) as error:
        return explain(error, arguments)
    return ""
