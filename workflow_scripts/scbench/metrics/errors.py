"""Exception for metrics that are not applicable."""


class NotApplicableError(Exception):
    """A metric is not applicable to this data; the message says why."""
