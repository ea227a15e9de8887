"""SIGHUP: the settings are read again, and what may change while the node runs is changed, all of it or nothing.

Rates, caps, CPU time, timeouts, the mode and the numbers of peers may. What buffers and tables were sized by, and what
connections rest on (chain, key, ports, the board), may not: one line names it and nothing is changed.
"""

import copy

from ..budget import check
from ..budget.budgets import Budgets
from ..errors import LocalError
from ..node.mode import WORDS
from . import settings as configuration
from .knobs import EPOCH, IDLE, KNOBS, MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .output import Output
    from .session import Session
    from .settings import Settings

# Attributes of the profile that are read each time they are needed; of the others something was made.
CHANGEABLE = (
    "max_download_rate", "max_upload_rate", "cpu_permille", "day_bytes", "month_bytes", "allowance_quantum",
    "max_peers", "min_peers", "block_announce_timeout_ms", "transaction_timeout_ms", "state_sync_timeout_ms",
)


class Reload:
    """`__call__` reads the settings again, as `args` and the environment of this process say, for a running session."""

    def __init__(self, args: "argparse.Namespace", settings: "Settings", session: "Session", out: "Output") -> None:
        self._args = args
        self._settings = settings
        self._session = session
        self._out = out

    def __call__(self) -> None:
        """Nothing is raised: what is wrong is a warning, and then nothing is changed."""
        try:
            changed = self._change()
        except LocalError as error:
            self._out.warn("nothing is changed: %s" % error)
            return
        self._out.event("changed", values=changed)
        for name, value in changed.items():
            self._out.line("changed: %s = %s" % (name, value))
        if not changed:
            self._out.line("changed: nothing, the settings say what they said before")

    def _change(self) -> "dict[str, object]":
        old, session = self._settings, self._session
        new, errors = configuration.inspect(self._args, serves=old.serves)
        if errors:
            raise LocalError(errors[0], 2)
        changed = {}
        before = {name: value for name, value, _ in old.values}
        for name, value, source in new.values:
            if value != before[name]:
                if name not in _CHANGEABLE_KNOBS:
                    raise LocalError("%s: %s cannot change while the node runs: restart it" % (source, name), 2)
                changed[name] = value
        wanted = copy.copy(old.profile)
        for field in CHANGEABLE:
            setattr(wanted, field, getattr(new.profile, field))
        spec = session.node.chain.spec
        found = check.faults(wanted, has_quic=old.has_link("quic"), serves=old.serves)
        if (new.mode == EPOCH) != (old.mode == EPOCH):
            raise LocalError("%s: `epoch` can be taken up and left by a restart only: no headers are followed in it"
                             % MODE.name, 2)
        found += check.following(wanted, spec, new.mode in (IDLE, EPOCH))
        for field, text in found + (check.jumping(wanted, spec) if new.mode == EPOCH else []):
            raise LocalError(new.blame(field, text), 2)
        Budgets(wanted)  # complains of what cannot be
        if session.keeps and (wanted.day_bytes or wanted.month_bytes):
            session.lock_allowance()
        # From here on nothing fails. Everybody reads the same profile.
        for field in CHANGEABLE:
            setattr(old.profile, field, getattr(wanted, field))
        session.budgets.change(old.profile)
        if new.mode != EPOCH:
            session.mode.want(WORDS.index(new.mode))
        old.values, old.origins, old.mode = new.values, new.origins, new.mode
        return changed


_CHANGEABLE_KNOBS = {knob.name for knob in KNOBS if knob.field in CHANGEABLE} | {MODE.name}
