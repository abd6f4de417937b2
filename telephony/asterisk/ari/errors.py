"""What goes wrong with ARI."""

from __future__ import annotations

from engine.errors import PalabreError

__all__ = ["AriError"]


class AriError(PalabreError):
    """A request came to nothing, or there is no connection to ask over.

    `code` says which, `status` is Asterisk's HTTP status, 0 where it gave none.

    ``ari.unreachable``   nothing answers at the URL, or it has not been reached yet
    ``ari.credentials``   user or password is wrong
    ``ari.forbidden``     the user may only read
    ``ari.not_there``     something answers at the URL, and it is not ARI
    ``ari.starting``      Asterisk has not booted yet; the same request may succeed later
    ``ari.lost``          the connection ended before the answer came
    ``ari.replaced``      another engine has connected as the same application
    ``ari.timeout``       no answer in time
    ``ari.gone``          the channel, bridge or other thing asked for does not exist (any more)
    ``ari.state``         it exists, and cannot do that now
    ``ari.endpoint``      no channel can be made for that endpoint
    ``ari.refused``       anything else that Asterisk would not do
    """

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
