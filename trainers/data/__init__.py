"""The data sets: `load("line")` is generated, `load("mnist")` found on this machine or fetched."""

from trainers.data.catalogue import DATASETS, load
from trainers.data.dataset import Dataset
from trainers.data.split import twins

__all__ = ["DATASETS", "Dataset", "load", "twins"]
