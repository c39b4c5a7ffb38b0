"""Methods that read the attention matrices of transformers."""

from __future__ import annotations

from inspector.explain.attention.rollout import attention_rollout, gradient_rollout

__all__ = ["attention_rollout", "gradient_rollout"]
