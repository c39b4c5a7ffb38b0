"""Where in the input the elements of a tensor lie: feature maps in any layout, token sequences folded to maps."""

from __future__ import annotations

from inspector.explain.geometry.axes import Axes
from inspector.explain.geometry.grid import Grid, grid_of, guessed_grid, layout_grid, parse_tokens, token_grid
from inspector.explain.geometry.layouts import channels_first, input_layout
from inspector.explain.geometry.places import Places, places_of
from inspector.explain.geometry.trace import trace_axes

__all__ = [
    "Axes",
    "Grid",
    "Places",
    "channels_first",
    "grid_of",
    "guessed_grid",
    "input_layout",
    "layout_grid",
    "parse_tokens",
    "places_of",
    "token_grid",
    "trace_axes",
]
