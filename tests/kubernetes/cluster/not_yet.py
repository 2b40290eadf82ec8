class NotYet(Exception):
    """What a container needs is not there: `reason` is what its status says while it waits."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason
