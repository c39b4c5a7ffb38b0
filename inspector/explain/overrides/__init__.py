"""Tables of rules that pull back something other than the gradient.

Each is `RULES.override(...)` under a name: one function per operator, in the form of the rules of `inspector.autodiff`.
They are imported where they are used: what they are written with takes long to load.
"""

from __future__ import annotations
