from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.conftest import make_split
from tuneoff.training.batches import BLOCK, DeviceSplit, by_length, epoch_order


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 3000), seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 9), bucket=st.booleans())
def test_an_epoch_shows_every_example_once_in_an_order_of_seed_and_epoch_alone(n, seed, epoch, bucket):
    lengths = np.random.default_rng(n).integers(4, 100, size=n)
    order = epoch_order(lengths, seed, epoch, bucket)
    assert sorted(order.tolist()) == list(range(n))
    assert np.array_equal(order, epoch_order(lengths, seed, epoch, bucket))


def test_epochs_and_seeds_differ():
    lengths = np.random.default_rng(0).integers(4, 100, size=500)
    assert not np.array_equal(epoch_order(lengths, 1, 0), epoch_order(lengths, 1, 1))
    assert not np.array_equal(epoch_order(lengths, 1, 0), epoch_order(lengths, 2, 0))


def test_bucketing_pads_little_where_a_batch_is_a_block_and_less_than_chance_where_it_is_several():
    lengths = np.random.default_rng(0).integers(4, 128, size=4096)

    def padded(bucket: bool, size: int) -> int:
        order = epoch_order(lengths, 1, 0, bucket)
        return sum(size * int(lengths[order[i : i + size]].max()) for i in range(0, 4096, size))

    assert padded(True, BLOCK) < 1.1 * lengths.sum()
    for size, gain in ((BLOCK, 0.6), (2 * BLOCK, 0.8), (4 * BLOCK, 0.95)):
        assert padded(True, size) < gain * padded(False, size)


def test_batches_that_follow_each_other_are_not_alike():
    """Four batches of like length in a row cost 0.7 points on the built-in task (results/speed/bucketing-blocks-of-64)."""
    lengths = np.random.default_rng(0).integers(4, 128, size=4096)
    means = lengths[epoch_order(lengths, 1, 0)].reshape(-1, BLOCK).mean(1)
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.2


def test_batches_hold_the_rows_tokens_padded_with_zeros():
    ragged = make_split(30, 4)
    split = DeviceSplit(ragged, torch.device("cpu"))
    order = by_length(split.lengths)
    rows = iter(order.tolist())
    for batch in split.batches(order, 7):
        assert batch.input_ids.shape == (len(batch.labels), int(batch.attention_mask.sum(1).max()))
        for i in range(len(batch.labels)):
            row = next(rows)
            start, stop = ragged.offsets[row], ragged.offsets[row + 1]
            size = stop - start
            assert batch.input_ids[i, :size].tolist() == ragged.input_ids[start:stop].tolist()
            assert batch.token_type_ids[i, :size].tolist() == ragged.token_type_ids[start:stop].tolist()
            assert not batch.input_ids[i, size:].any()
            assert not batch.token_type_ids[i, size:].any()
            assert int(batch.attention_mask[i].sum()) == size
            assert int(batch.labels[i]) == ragged.labels[row]
    assert next(rows, None) is None


def test_slices_know_their_lengths_and_can_be_padded_further():
    split = DeviceSplit(make_split(30, 4), torch.device("cpu"))
    for piece in split.slices(by_length(split.lengths), 7):
        batch = split.gather(piece.rows, piece.longest)
        wide = split.gather(piece.rows, 16)
        assert piece.tokens == int(batch.attention_mask.sum())
        assert piece.longest == batch.input_ids.shape[1]
        assert torch.equal(wide.input_ids[:, : piece.longest], batch.input_ids)
        assert not wide.attention_mask[:, piece.longest :].any()
        assert not wide.input_ids[:, piece.longest :].any()


def test_batches_are_made_on_the_device_asked_for():
    """One that computes shapes alone."""
    split = DeviceSplit(make_split(30, 4), torch.device("meta"))
    assert {piece.rows.device.type for piece in split.slices(by_length(split.lengths), 7)} == {"meta"}
    for batch in split.batches(by_length(split.lengths), 7):
        parts = batch.input_ids, batch.token_type_ids, batch.attention_mask, batch.labels
        assert {part.device.type for part in parts} == {"meta"}
