"""Pre-train the built-in model `micro` by masked-word prediction and save it under src/tuneoff/assets/micro.

What the text is: passages of two sentences from the grammar of the built-in task `entail`, the second of which follows
from the first. So the model reads sound inferences, as it might in any consistent text, and guesses hidden words; it
never sees a label, nor a pair that does not follow. No passage is a pair of the task's splits at their default seed
and sizes (checked), and the seeds differ. The vocabulary is every word of the grammar, then single characters as
word beginnings and continuations, so that other lower-case text is spelled out instead of unknown.

    python scripts/pretrain_micro.py [--seed 1] [--steps N] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import math
import os
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertModel, BertTokenizerFast

from tuneoff.task.entail import build, draw_new
from tuneoff.task.entail.clause import COUNTING, PLAIN
from tuneoff.task.entail.lexicon import (
    ANIMATE_ADJECTIVES,
    MUTUAL,
    NAMES,
    NOUNS,
    PLACES,
    THING_ADJECTIVES,
    TIMES,
    TRANSFERS,
    VERBS,
)
from tuneoff.task.entail.pairs import PHENOMENA

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
FUNCTION_WORDS = (
    "the",
    "a",
    "an",
    "any",
    "did",
    "not",
    "was",
    "were",
    "by",
    "to",
    "from",
    "and",
    "or",
    "both",
    "neither",
    "nor",
    "but",
)
PARTICLES = frozenset({"in", "on", "at", "near", "the", "behind", "outside"})
MIX = (*PHENOMENA, "hypernym", "modifier", "verb", "roles")
"""Of the text: what turns on content words, of which there are many, comes twice as often."""
LENGTH = 32
MASKED_SHARE, VALIDATION_PASSAGES = 0.2, 4096


def vocabulary() -> list[str]:
    """All tokens in order; the index of a token is its id."""
    phrases = [
        *FUNCTION_WORDS,
        *(q.text for q in PLAIN + COUNTING),
        *PLACES,
        *TIMES,
        *NAMES,
        *ANIMATE_ADJECTIVES,
        *THING_ADJECTIVES,
        *MUTUAL,
        *MUTUAL.values(),
        *TRANSFERS,
        *TRANSFERS.values(),
    ]
    phrases += [form for noun in NOUNS.values() for form in (noun.singular, noun.plural)]
    phrases += [form for verb in VERBS.values() for form in (verb.base, verb.past, verb.participle)]
    words = [word for phrase in phrases for word in phrase.split()]
    letters = string.ascii_lowercase + string.digits
    return list(dict.fromkeys([*SPECIAL, *words, *letters, *string.punctuation, *(f"##{c}" for c in letters)]))


def passages(rng: np.random.Generator, size: int, index: dict[str, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and segments, int64 of shape (size, LENGTH), [CLS] first [SEP] second [SEP], none in the task's splits."""
    taken = {pair for split in build().splits.values() for pair in zip(split.text_a, split.text_b or (), strict=True)}
    held_out = frozenset(taken)
    ids = np.zeros((size, LENGTH), dtype=np.int64)
    segments = np.zeros_like(ids)
    for row in range(size):
        pair = draw_new(rng, MIX[row % len(MIX)], True, taken)
        assert pair not in held_out
        first, second = ([index[word] for word in sentence.split()] for sentence in pair)
        tokens = [index["[CLS]"], *first, index["[SEP]"], *second, index["[SEP]"]]
        ids[row, : len(tokens)] = tokens
        segments[row, len(first) + 2 : len(tokens)] = 1
    return torch.from_numpy(ids), torch.from_numpy(segments)


class MaskedWordModel(nn.Module):
    """BERT's encoder with its masked-word head (the output weights are the input embeddings)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.bert = BertModel(config, add_pooling_layer=False)
        self.transform = nn.Sequential(
            nn.Linear(config.hidden_size, config.hidden_size),
            nn.GELU(),
            nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps),
        )
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, ids: torch.Tensor, segments: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        """Logits (chosen.sum(), vocabulary) at the positions that `chosen`, bool of the shape of ids, marks."""
        hidden = self.bert(ids, attention_mask=(ids != 0).long(), token_type_ids=segments).last_hidden_state
        words = self.bert.embeddings.word_embeddings.weight
        return self.transform(hidden[chosen]) @ words.T + self.bias


def substitutes(index: dict[str, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """What may stand in for each token: ids of its kind, (vocabulary, most) padded with 0, and how many, (vocabulary,).

    A kind is all words of one form in one tree (the animals in the plural), all names, all numbers and so on.
    """
    kinds = [
        [word for phrase in group for word in phrase.split() if word not in PARTICLES]
        for group in (NAMES, ANIMATE_ADJECTIVES, THING_ADJECTIVES, PLACES, TIMES, ("two", "three", "four", "five"))
    ]
    kinds += [
        ["every", "each", "all", "some", "a", "no", "any"],
        ["least", "most"],
        ["more", "fewer"],
        ["and", "or"],
        [*TRANSFERS],
        [*TRANSFERS.values()],
        [*MUTUAL],
        [*MUTUAL.values()],
        ["to", "from"],
        ["at", "exactly"],
    ]
    for kin in dict.fromkeys(noun.kin for noun in NOUNS.values()):
        nouns = [noun for noun in NOUNS.values() if noun.kin == kin]
        kinds += [[noun.singular for noun in nouns], [noun.plural for noun in nouns]]
    for group in dict.fromkeys((verb.agents, verb.patients) for verb in VERBS.values()):
        verbs = [verb for verb in VERBS.values() if (verb.agents, verb.patients) == group]
        kinds += [[verb.base for verb in verbs], [verb.past for verb in verbs], [verb.participle for verb in verbs]]
    table = torch.zeros((len(index), max(map(len, kinds))), dtype=torch.long)
    counts = torch.ones(len(index), dtype=torch.long)
    table[:, 0] = torch.arange(len(index))
    for kind in kinds:
        ids = torch.tensor([index[word] for word in dict.fromkeys(kind)])
        for i in ids.tolist():
            table[i, : len(ids)], counts[i] = ids, len(ids)
    return table, counts


@dataclass(frozen=True, kw_only=True)
class Hider:
    """Hides words. Of the chosen, half become [MASK], a third another word of their kind, the rest stay."""

    mask: int
    table: torch.Tensor
    counts: torch.Tensor

    def __call__(self, ids: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """(ids with words hidden, bool mask of what to guess), both of the shape of ids."""
        chosen = (torch.rand(ids.shape, generator=generator) < MASKED_SHARE) & (ids >= len(SPECIAL))
        how = torch.rand(ids.shape, generator=generator)
        which = (torch.rand(ids.shape, generator=generator) * self.counts[ids]).long()
        hidden = torch.where(chosen & (how < 0.5), self.mask, ids)
        return torch.where(chosen & (how > 0.67), self.table[ids, which], hidden), chosen


def batches(ids: torch.Tensor, size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Row numbers without end; within a block of 16 batches, passages of like length go together."""
    lengths = (ids != 0).sum(1)
    while True:
        order = torch.randperm(len(ids), generator=generator)
        for block in order.split(16 * size):
            ordered = block[lengths[block].argsort()]
            parts = [part for part in ordered.split(size) if len(part) == size]
            for i in torch.randperm(len(parts), generator=generator).tolist():
                yield parts[i]


def masked_accuracy(model: MaskedWordModel, ids: torch.Tensor, segments: torch.Tensor, hide: Hider) -> float:
    generator = torch.Generator().manual_seed(0)
    model.eval()
    right = total = 0
    with torch.inference_mode():
        for part, segment in zip(ids.split(256), segments.split(256), strict=True):
            hidden, chosen = hide(part, generator)
            right += int((model(hidden, segment, chosen).argmax(1) == part[chosen]).sum())
            total += int(chosen.sum())
    model.train()
    return right / total


def encoder_config(args: argparse.Namespace, vocabulary_size: int) -> BertConfig:
    """initializer_range, which a classification head drawn later follows too, is about 1 / sqrt(hidden_size)."""
    return BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=args.hidden,
        num_hidden_layers=args.layers,
        num_attention_heads=4,
        intermediate_size=args.intermediate,
        max_position_embeddings=128,
        hidden_dropout_prob=args.dropout,
        attention_probs_dropout_prob=args.dropout,
        initializer_range=0.1,
    )


def rate_factor(step: int, steps: int) -> float:
    """Linear warm-up over a twentieth of the steps, then half a cosine down to 0.02."""
    warmup = steps // 20
    if step < warmup:
        return step / warmup
    return max(0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))), 0.02)


def text_generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0x3C0])))


def pretrain(args: argparse.Namespace, index: dict[str, int]) -> tuple[MaskedWordModel, float]:
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    ids, segments = passages(text_generator(args.seed), args.passages + VALIDATION_PASSAGES, index)
    held_ids, held_segments = ids[args.passages :], segments[args.passages :]
    ids, segments = ids[: args.passages], segments[: args.passages]
    print(f"{args.passages} passages, {int((ids != 0).sum())} tokens, vocabulary {len(index)}", flush=True)
    table, counts = substitutes(index)
    hide = Hider(mask=index["[MASK]"], table=table, counts=counts)
    model = MaskedWordModel(encoder_config(args, len(index)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    stream, start, running = batches(ids, args.batch_size, generator), time.perf_counter(), 0.0
    for step in range(1, args.steps + 1):
        rows = next(stream)
        width = int((ids[rows] != 0).sum(1).max())
        part = ids[rows, :width]
        hidden, chosen = hide(part, generator)
        loss = nn.functional.cross_entropy(model(hidden, segments[rows, :width], chosen), part[chosen])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = args.learning_rate * rate_factor(step, args.steps)
        optimizer.step()
        optimizer.zero_grad()
        running += float(loss.detach())
        if step % max(args.steps // 20, 1) == 0:
            accuracy = masked_accuracy(model, held_ids[:1024], held_segments[:1024], hide)
            print(
                f"step {step:6d}  loss {running / max(args.steps // 20, 1):.3f}  held-out masked accuracy "
                f"{accuracy:.3f}  {time.perf_counter() - start:.0f} s",
                flush=True,
            )
            running = 0.0
    return model, masked_accuracy(model, held_ids, held_segments, hide)


def save(model: MaskedWordModel, folder: Path, tokens: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model.bert.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(
        vocab={token: i for i, token in enumerate(tokens)},
        do_lower_case=True,
        model_max_length=model.bert.config.max_position_embeddings,
    )
    tokenizer.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--out", type=Path, default=root / "src/tuneoff/assets/micro")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--passages", type=int, default=400_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--hidden", type=int, default=96)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--intermediate", type=int, default=192)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    torch.set_num_threads(args.threads)
    tokens = vocabulary()
    start = time.perf_counter()
    model, accuracy = pretrain(args, {token: i for i, token in enumerate(tokens)})
    save(model, args.out, tokens)
    size = sum(path.stat().st_size for path in args.out.iterdir())
    parameters = sum(p.numel() for p in model.bert.parameters())
    print(
        f"seed {args.seed}, {args.steps} steps of {args.batch_size} passages, {time.perf_counter() - start:.0f} s in "
        f"all\nheld-out masked accuracy {accuracy:.4f} on {VALIDATION_PASSAGES} passages\n{parameters} parameters, "
        f"{size / 1e6:.2f} MB in {len(list(args.out.iterdir()))} files"
    )


if __name__ == "__main__":
    main()
