"""The one error of decoding."""


class Undecodable(ValueError):  # noqa: N818 - an instruction to dead-letter the record, not a fault of ours
    """A record holds no exchange that could be read; `reason` is a code to count by, free of the record's text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
