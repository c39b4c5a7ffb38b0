"""Attributions to the input: functions of the input and of the score's gradient there, (N, C, spatial...) both.

They are written in NumPy functions that `embed` can also write as a graph.
"""

from __future__ import annotations

import numpy as np

from inspector.explain.relevance import Maps

__all__ = ["input_x_gradient", "saliency"]


def saliency(inputs: Maps, gradient: Maps) -> Maps:
    """Simonyan et al., Deep Inside Convolutional Networks, 2013, section 3.1: largest magnitude over the channels."""
    del inputs
    largest: Maps = np.abs(gradient).max(axis=1)
    return largest


def input_x_gradient(inputs: Maps, gradient: Maps) -> Maps:
    """Shrikumar et al., Not Just a Black Box, 2016: input times gradient, summed over the channels; it has a sign."""
    attributed: Maps = (inputs * gradient).sum(axis=1)
    return attributed
