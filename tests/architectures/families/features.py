"""Encoders of `transformers` without a classifier, and text models, in small configurations."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tests.architectures.families.building import CLASSES, VIT, model, on_image
from tests.architectures.torch_case import TorchCase, image, tokens
from tests.architectures.torch_truth import Score

__all__ = ["ENCODERS", "TEXT"]

TOKENS = ("last_hidden_state",)
RATIO = {key: value for key, value in VIT.items() if key != "intermediate_size"}


class InOrder(nn.Module):
    """A masked autoencoder's encoder with its patches in their own order, not in one that it draws at every call."""

    def __init__(self, module: nn.Module, patches: int) -> None:
        super().__init__()
        self.module = module
        self.patches = patches

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        """The encoded patches behind the class token."""
        order = torch.arange(self.patches, dtype=pixel_values.dtype).expand(pixel_values.shape[0], -1)
        return {"last_hidden_state": self.module(pixel_values, noise=order)["last_hidden_state"]}


ENCODERS = [
    TorchCase(
        "ViTMAE",
        lambda: InOrder(model("ViTMAEModel", mask_ratio=0.0, **VIT)(), (64 // 8) ** 2),
        image(64),
        Score("last_hidden_state", (5, 3)),
    ),
    on_image("DINOv3 ViT", "DINOv3ViTModel", 64, TOKENS, (7, 3), num_register_tokens=2, **VIT),
    on_image(
        "DINOv3 ConvNeXt",
        "DINOv3ConvNextModel",
        64,
        TOKENS,
        (2, 3),
        hidden_sizes=[16, 32, 48, 64],
        depths=[1, 1, 2, 1],
    ),
    on_image(
        "CLIP vision (embedding)",
        "CLIPVisionModelWithProjection",
        64,
        ("image_embeds",),
        (3,),
        projection_dim=16,
        **VIT,
    ),
    on_image("SigLIP vision (pooled)", "SiglipVisionModel", 64, ("pooler_output",), (3,), **VIT),
    on_image(
        "SAM vision",
        "SamVisionModel",
        64,
        TOKENS,
        (3, 2, 2),
        output_channels=16,
        num_pos_feats=8,
        window_size=2,
        global_attn_indexes=[1],
        mlp_dim=96,
        **VIT,
    ),
]

BERT: dict[str, Any] = {
    "vocab_size": 99,
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 64,
}


def text(name: str, kind: str, embedding: str, index: tuple[int, ...] = (3,), **options: Any) -> TorchCase:
    """One that takes token ids; the gradient is taken at the embedding, and half-way."""
    return TorchCase(name, model(kind, **options), tokens(16, 99), Score("logits", index), embedding)


TEXT = [
    text("BERT", "BertForSequenceClassification", "bert.embeddings", num_labels=CLASSES, **BERT),
    text("RoBERTa", "RobertaForSequenceClassification", "roberta.embeddings", num_labels=CLASSES, **BERT),
    text(
        "ALBERT",
        "AlbertForSequenceClassification",
        "albert.embeddings",
        num_labels=CLASSES,
        embedding_size=24,
        **BERT,
    ),
    text(
        "ELECTRA",
        "ElectraForSequenceClassification",
        "electra.embeddings",
        num_labels=CLASSES,
        embedding_size=24,
        **BERT,
    ),
    text(
        "DeBERTa v2",
        "DebertaV2ForSequenceClassification",
        "deberta.embeddings",
        num_labels=CLASSES,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        **BERT,
    ),
    text(
        "DistilBERT",
        "DistilBertForSequenceClassification",
        "distilbert.embeddings",
        num_labels=CLASSES,
        vocab_size=99,
        dim=48,
        hidden_dim=96,
        n_layers=3,
        n_heads=4,
        max_position_embeddings=64,
    ),
    text(
        "ModernBERT",
        "ModernBertForSequenceClassification",
        "model.embeddings",
        num_labels=CLASSES,
        pad_token_id=0,
        local_attention=8,
        **BERT,
    ),
    text(
        "GPT-2",
        "GPT2LMHeadModel",
        "transformer.wte",
        (15, 7),
        vocab_size=99,
        n_embd=48,
        n_layer=3,
        n_head=4,
        n_positions=64,
        use_cache=False,
    ),
    text(
        "LLaMA",
        "LlamaForCausalLM",
        "model.embed_tokens",
        (15, 7),
        num_key_value_heads=2,
        use_cache=False,
        **BERT,
    ),
]
