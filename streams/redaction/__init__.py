"""Takes personal data and keys out of texts before they are kept: `Redactor` in `redactor.py`, read it first.

`key_shapes.py` knows keys and passwords, `personal.py` addresses and numbers of people and machines. Pure: text in,
spans out, in time linear in the text. May be used by everything in `streams`; how good it is stands in
benchmarks/README.md.
"""

from streams.redaction.redactor import Redactor

__all__ = ["Redactor"]
