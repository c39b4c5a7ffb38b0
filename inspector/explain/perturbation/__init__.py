"""Methods that only run the model, on inputs of which parts are replaced."""

from __future__ import annotations

from inspector.explain.perturbation.ablation import feature_ablation
from inspector.explain.perturbation.occlusion import occlusion
from inspector.explain.perturbation.rise import rise
from inspector.explain.perturbation.sensitivity import hsic, sobol
from inspector.explain.perturbation.surrogates import kernel_shap, lime

__all__ = ["feature_ablation", "hsic", "kernel_shap", "lime", "occlusion", "rise", "sobol"]
