"""What a finished search leaves for use: `winner.yaml`, and with keep=winner the model that won."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from tuneoff.records.schema import Cell
from tuneoff.records.store import KEPT_FOLDER, MODEL_FOLDER, load_cell
from tuneoff.records.winner import Winner, winner_of, write_winner
from tuneoff.study.model_card import CARD_FILE, model_card
from tuneoff.study.session import Ready
from tuneoff.study.stored_cell import kept_file
from tuneoff.training import state_file


def leave_winner(ready: Ready, note: Callable[[str], None]) -> None:
    """Killed at any moment, it can be called again. note: is told why there is no model, where the only copy of the weights is
    gone."""
    cell = load_cell(ready.config.cell)
    winner = winner_of(cell)
    if ready.config.keep is not None:
        if kept_file(cell) is not None:  # the model that may be there is then not known to be whole
            _write_model(ready, cell, winner)
        elif not (cell.path / MODEL_FOLDER).is_dir():
            note("note: keep=winner: the winner's weights were lost with the worker that wrote them, so there is no model")
    write_winner(winner)
    shutil.rmtree(cell.path / KEPT_FOLDER, ignore_errors=True)


def _write_model(ready: Ready, cell: Cell, winner: Winner) -> None:
    """The folder is whole or not there."""
    file, export = kept_file(cell), ready.prepared.export
    assert file is not None
    assert export is not None, "see must_export"
    folder = cell.path / f"{MODEL_FOLDER}.tmp"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    export(state_file.read(file), winner.hparams, folder)
    card = folder / CARD_FILE
    card.write_text(model_card(winner), encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(card.stat().st_mode)  # safetensors' own are for their writer alone
    shutil.rmtree(cell.path / MODEL_FOLDER, ignore_errors=True)
    folder.rename(cell.path / MODEL_FOLDER)
