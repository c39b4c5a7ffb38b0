"""The data sets: `load("line")` is generated, `load("mnist")` found on this machine or fetched."""

from trainers.data.catalogue import DATASETS, load
from trainers.data.dataset import Dataset
from trainers.data.report_images import ReportImages, report_images
from trainers.data.split import twins
from trainers.data.summary import summarise

__all__ = ["DATASETS", "Dataset", "ReportImages", "load", "report_images", "summarise", "twins"]
