"""The four ways in which something fails here. They differ by who has to act, not by what broke."""


class LocalError(Exception):
    """Our own mistake, the machine's or the user's. `exit_code` is 2 when the user can mend it, else 1."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class RemoteError(Exception):
    """The peer broke its protocol. `code` is what the stream or the connection is reset with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BudgetError(Exception):
    """A named bound was reached; `limit` is its name in the profile. Ordinary: wait, or drop the newest."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class VerifyError(Exception):
    """Data failed a check. `rule` is the short, stable name of the check, as counted and as tested."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
