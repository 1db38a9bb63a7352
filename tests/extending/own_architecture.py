"""An architecture from outside the repository: RoFormer (Su et al. 2021)."""

from tuneoff.model.architectures.contract import Architecture
from tuneoff.plugins import register


@register("architecture", "roformer")  # model_type in the model's config.json
class RoFormer(Architecture):
    word_rows = "roformer.embeddings.word_embeddings.weight"
    hidden = (
        "roformer.embeddings.dropout",
        "roformer.encoder.layer.*.attention.output.dropout",
        "roformer.encoder.layer.*.output.dropout",
        "classifier.dropout",
    )
    attention = ("roformer.encoder.layer.*.attention.self.dropout",)
