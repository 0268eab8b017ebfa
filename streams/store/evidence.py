"""Evidence by hour: made in ClickHouse from `scores`, read back as the sums that verdicts are made of.

The same sums as `comparators.drift.evidence` makes with numpy, field by field, to 1e-9. An hour is always made anew
from all its scores, so redelivery, correction and withdrawal cannot add up twice. A group that has evidence but no
scores any more gets a row of zeros, which replaces the stale one.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import batched_pairs
