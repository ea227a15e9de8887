"""What a run of the mix says: each promise with its figure, then what was done to the node."""

import textwrap

from jamliquor_lite.budget.profile import Profile
from tests.hostile.watch import SAMPLE_S, Most, Sample, Watch

WINDOW_S = 2.0
MINUTE_S = 60.0
LATE_SLOTS = 2
JAM_SLOT_MS = 6_000  # which the mix's chain has a third of: a short run is held to its own slots, a long one to JAM's
LONG_S = 300.0
CPU_MARGIN = 1.05
_COLUMNS = 120
SILENCE_S = 15.0  # from one proved answer to the next: a question every 3 s, and a timeout of 10 s for each peer asked


class Report:
    """Filled by mix.py. `promises` are (what, figure, bar, kept)."""

    def __init__(self, profile: Profile, slot_ms: int, watch: Watch, span: "tuple[float, float]") -> None:
        self.profile = profile
        self.slot_ms = slot_ms
        self.watch = watch
        self.began, self.ended = span
        self.most_rss = 0
        self.firewall: "dict[str, int]" = {}
        self.status: "int | None" = None
        self.node: "list[tuple[float, dict[str, object]]]" = []
        self.swarm: "dict[str, dict[str, int]]" = {}
        self.wants_all = True  # each kind of hostile peer has to have been there

    def add_swarm(self, found: "dict[str, object]") -> None:
        """What one process of hostile peers did."""
        for name, done in found.items():
            sums = self.swarm.setdefault(name, {})
            for key, value in done.items():  # type: ignore[attr-defined]
                sums[key] = sums.get(key, 0) + value

    @property
    def promises(self) -> "list[tuple[str, str, str, bool]]":
        """All of them."""
        profile, samples = self.profile, self.watch.samples
        up, down = profile.max_upload_rate, profile.max_download_rate
        egress = Most(samples, "tx", WINDOW_S, up)
        honest = _apart(samples)
        ingress = [Most(part, "rx", WINDOW_S, down) for part in honest]
        over = max((most.over for most in ingress), default=0.0)
        fastest = max((most.rate for most in ingress), default=0.0)
        buffers = max((sockets.receive_bytes for sockets in self.watch.sockets), default=0)
        budget = profile.cpu_permille / 1000
        took = samples[-1].at - samples[0].before
        whole = (samples[-1].cpu - samples[0].cpu) / took
        # In less than a minute a burst may weigh more than those 5 %: it was there when the run began.
        burst = profile.cpu_burst_ms / 1000 / took if took < MINUTE_S else 0.0
        minute = Most(samples, "cpu", MINUTE_S)
        late = max(sample.late for sample in samples)
        most_late_ms = LATE_SLOTS * (self.slot_ms if took < LONG_S else JAM_SLOT_MS)
        silence, answers, refused = self._answers()
        last = self.node[-1][1] if self.node else {}
        rows = [
            ("the process lives to the end", "ended by itself" if self.watch.is_over else "yes", "",
             not self.watch.is_over),
            ("RSS at most", _mb(self.most_rss), _mb(profile.memory_bytes), 0 < self.most_rss <= profile.memory_bytes),
            (f"egress in any {WINDOW_S:.0f} s, KB/s", _kb(egress.rate), _kb(up),
             egress.windows > 0 and not egress.over),
            (f"ingress in any {WINDOW_S:.0f} s, KB/s", _kb(fastest), f"{_kb(down)} and the buffers",
             sum(most.windows for most in ingress) > 0 and over <= buffers),
            ("  bytes above the cap in one window, of sockets' buffers", f"{over:.0f}", f"{buffers}", over <= buffers),
            ("CPU over the run", f"{whole * 100:.1f} %",
             f"{budget * 100:.1f} % and 5 % of that" + (", and a burst" if burst else ""),
             whole <= budget * CPU_MARGIN + burst),
        ]
        if minute.windows:
            rows.append(("CPU in any minute", f"{minute.rate * 100:.1f} %", f"{budget * 100:.1f} % and 5 % of that",
                         minute.rate <= budget * CPU_MARGIN))
        rows += [
            (f"head late at most, slots of {self.slot_ms / 1000:g} s", f"{late}", f"{most_late_ms // self.slot_ms}",
             late * self.slot_ms <= most_late_ms),
            ("own questions: longest time without an answer", f"{silence:.1f} s", f"{SILENCE_S:.0f} s",
             silence <= SILENCE_S),
            ("  answered, and not", f"{answers}, {refused}", "", answers > 0),
            ("ends cleanly: exit status", f"{self.status}", "0", self.status == 0),
            ("  and every buffer is back", f"{last.get('pools_whole')}", "True", last.get("pools_whole") is True),
        ]
        return rows

    @property
    def broken(self) -> "list[str]":
        """Promises that were not kept, and attacks that did not take place."""
        found = [f"{what}: {figure}, allowed {bar}" for what, figure, bar, kept in self.promises if not kept]
        for name, done in self.swarm.items():
            if self.wants_all and not (done.get("connections") or done.get("packets")):
                found.append(f"{name} never got through to the node: no attack")
        # Some are kept out in a short run, for others are faster: that is what a bound of handshakes does.
        known = [done["handshakes"] for done in self.swarm.values() if "handshakes" in done]
        if self.wants_all and sum(count > 0 for count in known) * 4 < len(known) * 3:
            found.append("of those that know Noise, fewer than three quarters came in: no attack")
        if not self.swarm:
            found.append("no hostile peer said what it did")
        return found

    def _answers(self) -> "tuple[float, int, int]":
        # (longest time without one, answers, questions that had none)
        times = [at for at, line in self.node if line.get("event") == "proved" and self.began <= at <= self.ended]
        refused = sum(1 for _, line in self.node if line.get("event") == "unanswered")
        edges = [self.began, *times, self.ended]
        return max(after - before for before, after in zip(edges, edges[1:])), len(times), refused

    def figures(self) -> "dict[str, object]":
        """For a machine."""
        return {
            "promises": [list(row) for row in self.promises], "broken": self.broken, "swarm": self.swarm,
            "firewall": self.firewall, "summary": self.node[-1][1] if self.node else {},
        }

    def text(self) -> str:
        """For a person."""
        samples, sockets = self.watch.samples, self.watch.sockets
        lines = [f"{self.profile.name}, {self.ended - self.began:.0f} s, {len(samples)} samples, slots of "
                 f"{self.slot_ms} ms", ""]
        for what, figure, bar, kept in self.promises:
            lines.append(f"{'' if kept else 'BROKEN: '}{what:58} {figure:>12}   {bar}")
        below = [sample for sample in samples if sample.below]
        lines.append("")
        for field, word in (("tx", "egress"), ("rx", "ingress")):
            found = [Most(part, field, WINDOW_S) for part in ([samples] if field == "tx" else _apart(samples))]
            worst = max(found, key=lambda most: most.rate).worst
            if worst is not None:
                lines.append("most %s: from %.1f s to %.1f s%s" % (
                    word, worst[0].at - self.began, worst[1].at - self.began,
                    ", floods below TCP on" if worst[1].below else ""))
        lines.append("the node waited %.1f s for a processor in all" % (samples[-1].waited - samples[0].waited))
        latest = max(samples, key=lambda sample: sample.late)
        lines += ["latest head: %d slots at %.1f s" % (latest.late, latest.at - self.began)]
        lines += ["", "sockets of the node at most: %d, receive buffers %d bytes, unread %d, unsent %d" % (
            max((s.count for s in sockets), default=0), max((s.receive_bytes for s in sockets), default=0),
            max((s.unread for s in sockets), default=0), max((s.unsent for s in sockets), default=0))]
        if below:
            lines.append("outside of the promise, floods below TCP for %.0f s: ingress of %s KB/s" % (
                len(below) * SAMPLE_S, _kb(Most(below, "rx", WINDOW_S).rate)))
        lines.append("firewall, packets: " + (", ".join(f"{k} {v}" for k, v in self.firewall.items()) or "none"))
        lines.append("")
        for name, done in sorted(self.swarm.items()):
            lines.append(f"{name:15}" + ", ".join(f"{key} {value}" for key, value in done.items()))
        if self.node:
            last = dict(self.node[-1][1])
            budgets = last.pop("budgets", {})
            lines += ["", *_wrapped("the node's last words", last), *_wrapped("its budgets", budgets)]  # type: ignore
        lines += ["", *["BROKEN: " + text for text in self.broken]] if self.broken else ["", "every promise was kept"]
        return "\n".join(lines)


def _wrapped(title: str, values: "dict[str, object]") -> "list[str]":
    # Those that are not nothing.
    text = ", ".join(f"{name} {value}" for name, value in values.items() if value)
    return textwrap.wrap(f"{title}: {text}", _COLUMNS, subsequent_indent="  ", break_long_words=False)


def _apart(samples: "list[Sample]") -> "list[list[Sample]]":
    # Stretches without floods below TCP.
    parts: "list[list[Sample]]" = [[]]
    for sample in samples:
        if not sample.below:
            parts[-1].append(sample)
        elif parts[-1]:
            parts.append([])
    return parts


def _mb(size: float) -> str:
    return f"{size / 1048576:.1f} MiB"


def _kb(rate: float) -> str:
    return f"{rate / 1000:.1f}"
