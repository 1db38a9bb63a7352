from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from tuneoff.study import meters
from tuneoff.study.meters import MeterError, Meters, add, check_energy


def test_a_meter_that_is_not_installed_is_said_before_anything_is_paid(monkeypatch):
    monkeypatch.setattr(meters, "find_spec", lambda name: None)
    with pytest.raises(MeterError, match=r"pip install 'tuneoff\[energy\]'"):
        check_energy("USA")
    check_energy(None)


def test_without_meters_nothing_is_measured_and_nothing_invented():
    with Meters(None, "cpu") as found:
        pass
    assert found.found == {}


def test_energy_is_read_from_codecarbon(monkeypatch):
    """A stand-in with codecarbon's interface (3.3); the real one was run by hand."""

    class Tracker:
        def __init__(self, **options):
            assert options["country_iso_code"] == "FRA"
            self.final_emissions_data = SimpleNamespace(energy_consumed=0.25)

        def start(self):
            pass

        def stop(self):
            return 0.01

    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=Tracker))
    with Meters("FRA", "cpu") as found:
        pass
    assert found.found["energy"]["kwh"] == 0.25
    assert add({"energy": found.found["energy"]}, found.found)["energy"]["kwh"] == 0.5


def test_gpus_are_sampled_by_nvml(monkeypatch):
    """A stand-in with NVML's interface: there is no GPU where this was written."""
    fake = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda i: i,
        nvmlDeviceGetMemoryInfo=lambda h: SimpleNamespace(used=100),
        nvmlDeviceGetUtilizationRates=lambda h: SimpleNamespace(gpu=50),
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr(meters, "find_spec", lambda name: object())
    monkeypatch.setattr(meters, "SAMPLE_SECONDS", 0.01)
    with Meters(None, "cuda") as found:
        import time

        time.sleep(0.1)
    (gpu,) = found.found["gpus"]
    assert gpu["utilisation_percent_mean"] == 50
    assert gpu["memory_bytes_peak"] == 100
    assert gpu["samples"] >= 1
