"""Optional meters around a whole search: energy by codecarbon, GPU utilisation and memory by NVML.

Neither is needed for a search, and neither can split a device between the trials packed on it.
"""

from __future__ import annotations

import statistics
import threading
from importlib.util import find_spec
from types import TracebackType
from typing import Any

from tuneoff.errors import UserError

SAMPLE_SECONDS = 1.0


class MeterError(UserError):
    """A meter that was asked for and is not installed."""


def check_energy(country: str | None) -> None:
    """Raises MeterError where energy is to be measured and codecarbon is missing."""
    if country is not None and find_spec("codecarbon") is None:
        raise MeterError(
            f"energy is {country!r}, but codecarbon is not installed: pip install 'tuneoff[energy]', or leave energy=null"
        )


class Meters:
    """A context around the search; `found` afterwards holds what was measured, {} where nothing could be.

    country: ISO code for the carbon intensity of electricity (codecarbon's table, offline), or None for no energy meter.
    """

    def __init__(self, country: str | None, device: str) -> None:
        self.found: dict[str, Any] = {}
        self._tracker = _tracker(country) if country is not None else None
        self._gpus = _GpuSampler() if device == "cuda" and find_spec("pynvml") is not None else None

    def __enter__(self) -> Meters:
        if self._tracker is not None:
            self._tracker.start()
        if self._gpus is not None:
            self._gpus.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._tracker is not None:
            kilograms = self._tracker.stop()
            self.found["energy"] = {
                "kwh": self._tracker.final_emissions_data.energy_consumed,
                "co2eq_kg": kilograms,
                "scope": "whole machine",
                "source": "codecarbon, offline",
            }
        if self._gpus is not None:
            self.found["gpus"] = self._gpus.stop()


def add(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Joins the figures of two sessions of one search: energy is added; GPU figures are the newer session's."""
    total = {**before, **now}
    if "energy" in before and "energy" in now:
        total["energy"] = {**now["energy"], **{k: before["energy"][k] + now["energy"][k] for k in ("kwh", "co2eq_kg")}}
    return total


def _tracker(country: str) -> Any:
    from codecarbon import OfflineEmissionsTracker

    return OfflineEmissionsTracker(
        country_iso_code=country, save_to_file=False, log_level="critical", tracking_mode="machine", allow_multiple_runs=True
    )


class _GpuSampler(threading.Thread):
    """Utilisation (per cent) and used memory (bytes) of every GPU of this machine, once a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()
        self._samples: dict[int, list[tuple[int, int]]] = {}

    def run(self) -> None:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        while not self._over.wait(SAMPLE_SECONDS):
            for index, handle in enumerate(handles):
                used = pynvml.nvmlDeviceGetMemoryInfo(handle).used
                busy = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
                self._samples.setdefault(index, []).append((busy, used))

    def stop(self) -> list[dict[str, float]]:
        self._over.set()
        self.join()
        return [
            {
                "gpu": index,
                "utilisation_percent_mean": statistics.fmean(busy for busy, _ in samples),
                "memory_bytes_peak": max(used for _, used in samples),
                "samples": len(samples),
            }
            for index, samples in sorted(self._samples.items())
        ]
