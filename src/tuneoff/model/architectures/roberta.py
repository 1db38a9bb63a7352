"""RoBERTa (Liu et al. 2019), and XLM-R and CamemBERT, which are it with other vocabularies."""

from __future__ import annotations

from typing import ClassVar

from tuneoff.model.architectures.contract import Architecture
from tuneoff.model.config import ModelConfig
from tuneoff.plugins import register


@register("architecture", "roberta")
@register("architecture", "xlm-roberta")
@register("architecture", "camembert")
class Roberta(Architecture):
    """The position of the first token is the padding's row number plus 1."""

    word_rows: ClassVar[str] = "roberta.embeddings.word_embeddings.weight"
    hidden: ClassVar[tuple[str, ...]] = (
        "roberta.embeddings.dropout",
        "roberta.encoder.layer.*.attention.output.dropout",
        "roberta.encoder.layer.*.output.dropout",
        "classifier.dropout",
    )
    attention: ClassVar[tuple[str, ...]] = ("roberta.encoder.layer.*.attention.self.dropout",)

    def longest(self, config: ModelConfig) -> int:
        return int(config.max_position_embeddings) - int(config.pad_token_id) - 1
