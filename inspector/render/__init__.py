"""Figures: grids of channels, kernels and images; heatmaps beside the photograph they explain; files written whole.

matplotlib's object interface on the Agg canvas: no window, no global state, nothing of pyplot.
"""

from __future__ import annotations

from inspector.render.animation import save_animation, tiled_pixels
from inspector.render.brightness import brightened
from inspector.render.colours import Colours
from inspector.render.comparison import Compared, comparison_sheet
from inspector.render.grids import activation_figure, activation_grid, image_grid, kernel_grid, stretched
from inspector.render.heatmaps import heatmap_figure, overlay_pixels
from inspector.render.names import figure_name, question_slug, slug
from inspector.render.plain import plain_values
from inspector.render.save import save_arrays, save_figure, save_json, save_pixels, save_text

__all__ = [
    "RENDERERS",
    "Colours",
    "Compared",
    "activation_figure",
    "activation_grid",
    "brightened",
    "comparison_sheet",
    "figure_name",
    "heatmap_figure",
    "image_grid",
    "kernel_grid",
    "overlay_pixels",
    "plain_values",
    "question_slug",
    "save_animation",
    "save_arrays",
    "save_figure",
    "save_json",
    "save_pixels",
    "save_text",
    "slug",
    "stretched",
    "tiled_pixels",
]

# what a caller can ask for by name
RENDERERS = {
    "activations": activation_figure,
    "activation-grid": activation_grid,
    "kernels": kernel_grid,
    "images": image_grid,
    "heatmap": heatmap_figure,
    "comparison": comparison_sheet,
}
