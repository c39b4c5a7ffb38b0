"""Rollouts against their definitions, on attention and gradients that PyTorch computes from the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector import Inspector
from inspector.errors import InputError, LayerNotFound
from tests.inspector.graphs import cnn, images, normal

torch = pytest.importorskip("torch")

from tests.inspector.explain.attention.networks import (  # noqa: E402
    GRID,
    PICTURE,
    forward,
    transformer,
)

X = normal(2, 3, *PICTURE, scale=1)
Matrices = list[NDArray[np.float64]]


def attention(**given: Any) -> Matrices:
    """(N, heads, T, T) of each layer."""
    _, matrices = forward(torch.from_numpy(X), **given)
    return [each.numpy() for each in matrices]


def weighted(target: int, **given: Any) -> tuple[Matrices, Matrices]:
    """The matrices and the gradients of a class's score at them."""
    logits, matrices = forward(torch.from_numpy(X).requires_grad_(), **given)
    logits[:, target].sum().backward()
    kept = [each.grad for each in matrices]
    assert all(each is not None for each in kept)
    return (
        [each.detach().numpy() for each in matrices],
        [each.numpy() for each in kept if each is not None],
    )


def rolled_out(
    matrices: Matrices, heads: str = "mean", residual: float = 0.5, discard: float = 0.0
) -> NDArray[np.float64]:
    """(N, T, T), sample by sample, layer by layer."""
    found = []
    for sample in range(2):
        product = np.eye(matrices[0].shape[-1])
        for matrix in matrices:
            fused = getattr(np, heads)(matrix[sample], axis=0)
            if discard:
                order = np.sort(fused.ravel())
                fused = np.where(fused < order[int(fused.size * discard)], 0.0, fused)
            mixed = (1 - residual) * fused + residual * np.eye(len(fused))
            product = (mixed / mixed.sum(axis=1, keepdims=True)) @ product
        found.append(product)
    return np.stack(found)


def relevance(matrices: Matrices, gradients: Matrices) -> NDArray[np.float64]:
    """Chefer et al., equations 5 and 6."""
    found = []
    for sample in range(2):
        r = np.eye(matrices[0].shape[-1])
        for matrix, gradient in zip(matrices, gradients, strict=True):
            bar = np.mean(
                [np.clip(g * a, 0, None) for g, a in zip(gradient[sample], matrix[sample], strict=True)], 0
            )
            r = r + bar @ r
        found.append(r)
    return np.stack(found)


CASES: dict[str, dict[str, Any]] = {
    "class token": {"extra": 1},
    "registers": {"extra": 3},
    "mean of the patches": {"extra": 1, "mean": True},
    "patches alone": {"extra": 0, "mean": True},
    "class and distillation token": {"extra": 2, "distilled": True},
}


def of_patches(
    matrix: NDArray[np.float64], extra: int = 1, mean: bool = False, distilled: bool = False
) -> NDArray[np.float64]:
    """(N, rows, columns): the row of the token that is read, or the mean of those, over the patches."""
    row = matrix[:, extra:].mean(axis=1) if mean else matrix[:, : 1 + distilled].mean(axis=1)
    return np.asarray(row[:, extra:].reshape(-1, *GRID))


# the forms of attention, and what is read of it, each with the plainest of the other
FORMS = [
    *((kind, "class token") for kind in ("heads", "merged", "standard", "contributed")),
    *(("heads", case) for case in CASES if case != "class token"),
    ("standard", "mean of the patches"),
]


@pytest.mark.parametrize(("kind", "case"), FORMS)
def test_attention_rollout(kind: str, case: str) -> None:
    given = CASES[case]
    explained = transformer(kind, **given).explain(X, "attention-rollout")
    expected = of_patches(rolled_out(attention(**given)), **given)
    np.testing.assert_allclose(explained.map, expected, atol=1e-5 * expected.max())
    assert explained.heatmap.shape == (2, *PICTURE)
    assert not explained.signed
    assert explained.check is None


@pytest.mark.parametrize(("kind", "case"), FORMS)
def test_gradient_rollout(kind: str, case: str) -> None:
    given = CASES[case]
    for target in (0, 3):
        explained = transformer(kind, **given).explain(X, "gradient-rollout", target=target)
        found = relevance(*weighted(target, **given))
        expected = of_patches(found - np.eye(found.shape[-1]), **given)
        np.testing.assert_allclose(explained.map, expected, atol=1e-5 * expected.max())


@pytest.mark.parametrize("options", [
    {"heads": "max"}, {"heads": "min"}, {"residual": 0.2}, {"residual": 0.0}, {"discard": 0.6},
    {"heads": "max", "discard": 0.9, "residual": 0.3},
])  # fmt: skip
def test_the_options_of_a_rollout(options: dict[str, Any]) -> None:
    explained = transformer().explain(X, "attention-rollout", **options)
    expected = of_patches(rolled_out(attention(), **options))
    np.testing.assert_allclose(explained.map, expected, atol=1e-5 * expected.max())


def test_what_all_tokens_are_made_of_sums_to_one() -> None:
    explained = transformer(extra=0, mean=True).explain(X, "attention-rollout")
    np.testing.assert_allclose(explained.map.sum(axis=(1, 2)), 1, rtol=1e-6)


def test_a_token_whose_attention_is_discarded_passes_on_itself() -> None:
    explained = transformer(extra=0, mean=True).explain(X, "attention-rollout", residual=0.0, discard=0.99)
    assert np.isfinite(explained.raw).all()
    np.testing.assert_allclose(explained.map.sum(axis=(1, 2)), 1, rtol=1e-6)


def test_the_gradient_at_the_first_matrix_is_checked() -> None:
    explained = transformer().explain(X, "gradient-rollout", target=1, check=True)
    assert explained.check is not None
    assert explained.check.passed
    contributed = transformer("contributed").explain(X, "gradient-rollout", target=1, check=True)
    assert contributed.check is not None
    assert contributed.check.passed
    # a matrix inside an operator of the standard is no tensor whose differences could be taken
    inside = transformer("standard").explain(X, "gradient-rollout", target=1, check=True)
    assert inside.check is None
    assert any("lie inside operators" in note for note in inside.notes)


@pytest.mark.parametrize("kind", ["heads", "merged", "standard"])
def test_a_fixed_batch_and_each_sample_by_itself(kind: str) -> None:
    whole = transformer(kind).explain(X, "gradient-rollout")
    for batch in (1, 2, 3):
        fixed = transformer(kind, batch=batch).explain(X, "gradient-rollout")
        np.testing.assert_allclose(fixed.raw, whole.raw, atol=1e-5 * whole.raw.max())
    alone = transformer(kind).explain(X[1:], "gradient-rollout")
    np.testing.assert_allclose(alone.raw[0], whole.raw[1], atol=1e-5 * whole.raw.max())


@pytest.mark.parametrize("method", ["attention-rollout", "gradient-rollout"])
def test_what_has_no_rollout_is_refused(method: str) -> None:
    with pytest.raises(LayerNotFound, match="stays within windows of 4 tokens"):
        transformer(extra=0, windows=True).explain(X, method)
    with pytest.raises(LayerNotFound, match="no attention matrix"):
        Inspector(cnn()).explain(images(2), method)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": "median"}, "fused by mean, min, max, not 'median'"),
        ({"residual": 1.0}, "shares below 1"),
        ({"discard": -0.1}, "shares below 1"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        transformer().explain(X, "attention-rollout", **options)


def test_tokens_said_by_hand() -> None:
    found = transformer().explain(X, "attention-rollout")
    said = transformer().explain(X, "attention-rollout", tokens="1+6x4")
    np.testing.assert_array_equal(said.raw, found.raw)
    other = transformer().explain(X, "attention-rollout", tokens="1+4x6")
    np.testing.assert_array_equal(other.map.reshape(2, -1), found.map.reshape(2, -1))
    with pytest.raises(InputError, match="stands for 10 tokens"):
        transformer().explain(X, "attention-rollout", tokens="1+3x3")
