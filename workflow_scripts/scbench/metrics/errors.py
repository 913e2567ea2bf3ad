"""What a metric raises where it has no meaning."""


class NotApplicableError(Exception):
    """A metric that has no meaning on this data; the message says why."""
