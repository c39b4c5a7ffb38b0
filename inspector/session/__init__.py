"""Running models: providers, checked inputs, compiled sessions."""

from __future__ import annotations

from inspector.session.cache import Cache
from inspector.session.feeds import Array, Feeds, batch_size, check_feeds
from inspector.session.providers import choose_providers, cuda_driver_present
from inspector.session.session import Session
from inspector.session.stored import Stored, cache_folder

__all__ = [
    "Array",
    "Cache",
    "Feeds",
    "Session",
    "Stored",
    "batch_size",
    "cache_folder",
    "check_feeds",
    "choose_providers",
    "cuda_driver_present",
]
