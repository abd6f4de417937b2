"""Scripts: scenarios as data. `load` reads and checks one, `ScriptFlow` plays it.

How to write one is in docs/scenarios.md.
"""

from scenarios.flow import ScriptFlow
from scenarios.model import Script
from scenarios.reading import load

__all__ = ["Script", "ScriptFlow", "load"]
