from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import rows

from tuneoff.task import TaskError, encode
from tuneoff.task.encode import EncodedSplit
from tuneoff.task.facts import measure_lengths

PAIRS = rows(["A man sleeps.", "Dogs bark loudly at night"], [1, 0], ["A man rests.", "No."])


@pytest.fixture(scope="module")
def small() -> Any:
    """A word-level tokenizer with BERT's layout of special tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d", "e"])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=16,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def test_rows_are_laid_end_to_end_with_offsets(small: Any) -> None:
    encoded = encode(rows(["a b", "c"], [1, 0], ["d", "e a"]), small, 16)
    assert encoded.input_ids.tolist() == [2, 4, 5, 3, 7, 3, 2, 6, 3, 8, 4, 3]
    assert encoded.token_type_ids.tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1]
    assert encoded.offsets.tolist() == [0, 6, 12]
    assert encoded.lengths.tolist() == [6, 6]
    assert encoded.labels.tolist() == [1, 0]
    assert (encoded.truncated_rows, len(encoded)) == (0, 2)
    assert [a.dtype for a in (encoded.input_ids, encoded.token_type_ids, encoded.offsets, encoded.labels)] == [
        np.int32,
        np.int8,
        np.int64,
        np.int64,
    ]


def test_single_sentences_have_one_segment(small: Any) -> None:
    encoded = encode(rows(["a b"], [0]), small, 16)
    assert encoded.input_ids.tolist() == [2, 4, 5, 3]
    assert encoded.token_type_ids.tolist() == [0, 0, 0, 0]


def test_the_longer_text_is_truncated_first_and_truncated_rows_are_counted(small: Any) -> None:
    encoded = encode(rows(["a a a a a", "a"], [0, 1], ["b c", "b"]), small, 8)
    assert encoded.input_ids[:8].tolist() == [2, 4, 4, 4, 3, 5, 6, 3]
    assert encoded.truncated_rows == 1
    assert encode(rows(["a a a a a a"], [0]), small, 8).truncated_rows == 0


@pytest.mark.parametrize(
    ("text_a", "text_b", "kept"),
    [
        ("a a a a a", "b c", ([4, 4, 4], [5, 6])),  # first longer: it alone loses
        ("a b", "c c c c c", ([4, 5], [6, 6, 6])),  # second longer: it alone loses
        ("a a a a a", "b b b b", ([4, 4, 4], [5, 5])),  # both: down to equal lengths, the odd place is the longer one's
        ("a a a a", "b b b b b", ([4, 4], [5, 5, 5])),
        ("a", "b b b b b b b b b", ([4], [5, 5, 5, 5])),
    ],
)
def test_the_longer_text_loses_its_end_whichever_it_is(
    small: Any, text_a: str, text_b: str, kept: tuple[list[int], list[int]]
) -> None:
    encoded = encode(rows([text_a], [0], [text_b]), small, 8)
    assert encoded.input_ids.tolist() == [2, *kept[0], 3, *kept[1], 3]
    assert encoded.truncated_rows == 1


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=8), st.integers(8, 40))
def test_truncation_is_the_tokenizers_own_longest_first(tokenizer: Any, sizes: list[tuple[int, int]], max_length: int) -> None:
    text_a = [" ".join(f"first{i}" for i in range(a)) for a, _ in sizes]
    text_b = [" ".join(f"second{i}" for i in range(b)) for _, b in sizes]
    encoded = encode(rows(text_a, [0] * len(sizes), text_b), tokenizer, max_length)
    reference = tokenizer(text_a, text_b, truncation="longest_first", max_length=max_length)["input_ids"]
    assert np.split(encoded.input_ids, encoded.offsets[1:-1])[0].tolist() == reference[0]
    assert encoded.input_ids.tolist() == [token for row in reference for token in row]
    whole = [len(row) for row in tokenizer(text_a, text_b)["input_ids"]]
    assert encoded.truncated_rows == sum(length > max_length for length in whole)
    assert measure_lengths(rows(text_a, [0] * len(sizes), text_b), tokenizer, max_length).over_limit == encoded.truncated_rows


def test_segments_follow_the_template_not_the_list_of_model_inputs(small: Any) -> None:
    """A plain PreTrainedTokenizerFast lists no token_type_ids, even with BERT's template and for a BERT model."""
    import copy

    from tokenizers import processors

    plain = copy.deepcopy(small)
    plain.model_input_names = ["input_ids", "attention_mask"]
    assert encode(rows(["a"], [0], ["b"]), plain, 16).token_type_ids.tolist() == [0, 0, 0, 1, 1]
    plain.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    assert encode(rows(["a"], [0], ["b"]), plain, 16).token_type_ids.tolist() == [0] * 5


def test_blocks_do_not_change_the_result(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    split = rows([" ".join("abcde"[i % 5] * (i % 9 + 1)) for i in range(40)], [i % 2 for i in range(40)], ["a b"] * 40)
    whole = encode(split, small, 10)
    monkeypatch.setattr(sys.modules[EncodedSplit.__module__], "BLOCK_ROWS", 7)
    assert encode(split, small, 10).content_hash == whole.content_hash


def test_arrays_are_read_only_and_the_hash_sees_content(small: Any) -> None:
    encoded = encode(rows(["a", "b"], [0, 1]), small, 16)
    assert encoded.content_hash == encode(rows(["a", "b"], [0, 1]), small, 16).content_hash
    assert encoded.content_hash != encode(rows(["a", "b"], [1, 0]), small, 16).content_hash
    assert encoded.content_hash != encode(rows(["b", "a"], [0, 1]), small, 16).content_hash
    with pytest.raises(ValueError, match="read-only"):
        encoded.input_ids[0] = 1


@pytest.mark.parametrize(
    ("max_length", "message"),
    [
        (4, "max_length is 4, but it must be a whole number from 5 to 16"),
        (17, "max_length is 17"),
        (True, "max_length is True"),
        (8.5, "max_length is 8.5"),
    ],
)
def test_what_cannot_be_encoded_is_an_error(small: Any, max_length: int, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        encode(rows(["a", "b"], [1, 0], ["c", "d"]), small, max_length)


def test_a_slow_tokenizer_and_an_empty_split_are_refused(small: Any) -> None:
    with pytest.raises(TaskError, match="object is not a fast tokenizer"):
        encode(PAIRS, object(), 16)
    with pytest.raises(TaskError, match="without rows"):
        encode(rows([], []), small, 16)


def test_hidden_labels_can_be_encoded(small: Any) -> None:
    assert encode(rows(["a"], [-1]), small, 16).labels.tolist() == [-1]


def test_berts_layout_with_the_real_vocabulary(tokenizer: Any) -> None:
    encoded = encode(PAIRS, tokenizer, 128)
    first, types = encoded.input_ids[: encoded.offsets[1]], encoded.token_type_ids[: encoded.offsets[1]]
    assert tokenizer.decode(first) == "[CLS] a man sleeps. [SEP] a man rests. [SEP]"
    second_begins = first.tolist().index(tokenizer.sep_token_id) + 1
    assert types.tolist() == [0] * second_begins + [1] * (len(first) - second_begins)


def test_loading_splitting_and_importing_the_encoder_need_no_torch() -> None:
    code = (
        "import sys; from tuneoff.task import *; t = load_task(TaskSettings.from_dict({'kind': 'entail'})); "
        "make_splits(t, ProtocolSettings(name='heldout'), 0); "
        "print(sorted({'torch', 'transformers', 'ray', 'hydra', 'datasets', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
