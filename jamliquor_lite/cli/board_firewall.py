"""The rules that drop floods before the node has work with them: text for `nft -f`, made of a board's [firewall].

What is below TCP, or claims a source that is not its own, no budget of the node can hold: it is dropped here as far as
the kernel can tell, counted by what it was, and no part of what the node promises (`nft list table inet jamliquor_lite`
shows the counts). Connections that stand are never counted against new ones, so a flood of first packets does not
touch them.

What the system answers to floods is held too, for it is sent beside what the node counts: first packets by
new_per_second, and its errors (to datagrams for ports that nobody has) to one a second.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board_file import Board

TABLE = "jamliquor_lite"
_FORGET_S = 60  # an address that has been quiet for so long is counted anew
# What tells sources apart. One host has a whole /64 of IPv6 to choose addresses from.
_SOURCES = (("ip saddr", 4), ("ip6 saddr & ffff:ffff:ffff:ffff::", 6))
# counter: what it counts
_COUNTERS = {
    "accepted": "first packets of connections that the node gets to see",
    "shed_new": "more new connections than new_per_second, whoever they are of",
    "shed_source": "more of one address than source_new_per_second",
    "shed_open": "more open at once of one address than source_connections",
    "shed_stray": "segments of no connection: no SYN, or out of any window",
    "shed_datagrams": "more datagrams of one address, or of strangers, than datagrams_per_second",
    "shed_errors": "more errors of the system, as answers to floods, than one a second",
}


def rules(board: "Board", tcp_ports: "list[int]", udp_ports: "list[int]") -> str:
    """The rule set for these ports of the node; loading it again replaces it."""
    n = board.tables["firewall"]
    lines = [
        f"# Made of the board {board.name} by `jamliquor-lite board firewall`: change board.toml, not this.",
        f"table inet {TABLE}",
        f"delete table inet {TABLE}",
        f"table inet {TABLE} {{",
    ]
    for name, comment in _COUNTERS.items():
        lines.append(f'\tcounter {name} {{ comment "{comment}" }}')
    for version in (4, 6):
        kind = f"type ipv{version}_addr; size {n['sources']}; flags dynamic"
        for name in ("new", "datagrams"):
            lines.append(f"\tset {name}{version} {{ {kind},timeout; timeout {_FORGET_S}s; }}")
        lines.append(f"\tset open{version} {{ {kind}; }}")
    lines += ["\tchain input {", "\t\ttype filter hook input priority filter - 5; policy accept;"]
    lines.append('\t\tiifname "lo" accept')
    if tcp_ports:
        lines += [f"\t\ttcp dport {_set(tcp_ports)} jump segments"]
    if udp_ports:
        lines += [f"\t\tudp dport {_set(udp_ports)} jump datagrams"]
    lines += [
        "\t}",
        "\tchain segments {",
        "\t\tct state established,related accept",
        "\t\ttcp flags & (fin|syn|rst|ack) != syn counter name shed_stray drop",
        "\t\tct state invalid counter name shed_stray drop",
        *_per_source("new", n["source_new_per_second"], n["source_new_burst"], "shed_source"),
        *(
            f"\t\tadd @open{version} {{ {source} ct count over {n['source_connections']} }} "
            "counter name shed_open drop"
            for source, version in _SOURCES
        ),
        f"\t\tlimit rate over {n['new_per_second']}/second burst {n['new_burst']} packets counter name shed_new drop",
        "\t\tcounter name accepted",
        "\t}",
        "\tchain datagrams {",
        "\t\tct state new limit rate over "
        f"{n['new_per_second']}/second burst {n['new_burst']} packets counter name shed_new drop",
        *_per_source("datagrams", n["datagrams_per_second"], n["datagrams_burst"], "shed_datagrams"),
        "\t\tct state new counter name accepted",
        "\t}",
        "\tchain output {",
        "\t\ttype filter hook output priority filter - 5; policy accept;",
        '\t\toifname "lo" accept',
        *(
            f"\t\t{kind} type {{ destination-unreachable, time-exceeded, parameter-problem }} jump errors"
            for kind in ("icmp", "icmpv6")
        ),
        "\t}",
        "\tchain errors {",
        "\t\tlimit rate over 1/second burst 1 packets counter name shed_errors drop",
        "\t}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _per_source(name: str, rate: int, burst: int, counter: str) -> "list[str]":
    return [
        f"\t\tupdate @{name}{version} {{ {source} limit rate over {rate}/second burst {burst} packets }} "
        f"counter name {counter} drop"
        for source, version in _SOURCES
    ]


def _set(ports: "list[int]") -> str:
    return "{ " + ", ".join(str(port) for port in sorted(set(ports))) + " }"
