"""What TensorBoard itself reads from the event files."""

from __future__ import annotations

import pytest

from tuneoff.commands.track import main
from tuneoff.records.incumbent import incumbent
from tuneoff.trackers.contracts import Evaluated, SearchProgress
from tuneoff.trackers.events import events

reader = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed (the extra tensorboard)"
)


def read(folder):
    found = reader.EventAccumulator(str(folder), size_guidance={reader.TENSORS: 0, reader.SCALARS: 0})
    found.Reload()
    return found


def test_curves_hparams_lineage_and_report_are_read_back(study, cells, capsys):
    track = [str(study), "--to", "tensorboard", "--no-figures"]
    assert main(track) == 0
    root = study.parent / "tracked" / "tensorboard" / study.name
    cell = cells["pbt"]
    search = root / "entail-micro" / "pbt" / "repeat-0"
    for name in {e.trial_id for e in cell.evaluations}:
        points = [e for e in events(cell) if isinstance(e, Evaluated) and e.trial.name == name]
        trial = read(search / name)
        curve = trial.Scalars("validation/accuracy")
        assert [(p.step, p.value) for p in curve] == [
            (e.examples, pytest.approx(e.values["validation/accuracy"], abs=1e-6)) for e in points
        ]
        assert curve[0].wall_time == pytest.approx(points[0].at)
        assert "cost/dollars" in trial.Tags()["scalars"]
        assert trial.PluginTagToContent("hparams")
    copied = next(e for e in cell.evaluations if e.parent_trial_id)
    text = read(search / copied.trial_id).Tensors("trial/text_summary")[0].tensor_proto.string_val[0].decode()
    assert f"copied {copied.parent_trial_id} at evaluation {copied.parent_evaluation}" in text
    above = read(search)
    steps = [e.examples for e in events(cell) if isinstance(e, SearchProgress)]
    assert [p.step for p in above.Scalars("cost/device_seconds")] == steps
    assert above.Scalars("total/best/validation/accuracy")[0].value == pytest.approx(
        incumbent(cell).validation.metrics["accuracy"], abs=1e-6
    )
    assert "results/text_summary" in read(root / "report").Tags()["tensors"]
    assert "<html" in (root / "report" / "report.html").read_text()
    files = sorted(root.rglob("events*"))
    assert main(track) == 0
    assert "0 events sent" in capsys.readouterr().out
    assert sorted(root.rglob("events*")) == files
