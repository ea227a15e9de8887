"""A systemd unit that runs the node of a board: the board's numbers as limits that the kernel keeps, and a sandbox.

The node's own budgets come first; what the unit sets lies a little above them, and ends the process rather than the
machine when they fail. Made from board.toml and the settings, so that no number is typed twice.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from .board_file import Board

STATE_FOLDER = "jamliquor-lite"  # under /var/lib: the node's data folder
_MIB = 1 << 20
_NFT = "/usr/sbin/nft"
_SANDBOX = """\
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077
"""


def unit(board: "Board", profile: "Profile", command: "list[str]", firewall: str, has_serial: bool) -> str:
    """The text of the unit. `profile` is the board's with the owner's settings in force, `command` what it runs,
    `firewall` the file with board_firewall.rules, "" for none."""
    stops = board.tables["stops"]
    kernel = stops["kernel_mb"] * _MIB
    lines = [
        f"# Made of the board {board.name} by `jamliquor-lite board unit`: change that or the settings, not this.",
        "[Unit]",
        f"Description=JAM light client within the budgets of {board.name}",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=exec",
    ]
    if firewall:
        # The + runs it as root and outside the sandbox; without the rules the node does not start.
        lines.append(f"ExecStartPre=+{_NFT} -f {_quoted(firewall)}")
    lines += [
        "ExecStart=" + " ".join(_quoted(word) for word in command),
        "ExecReload=/bin/kill -HUP $MAINPID",
    ]
    if firewall:
        lines.append(f"ExecStopPost=-+{_NFT} delete table inet jamliquor_lite")
    lines += [
        "Restart=on-failure",
        "RestartSec=10",
        "DynamicUser=yes",
        f"StateDirectory={STATE_FOLDER}",
        "StateDirectoryMode=0700",
        f"Environment=JAMLIQUOR_DATA=/var/lib/{STATE_FOLDER}",
        # Where there is no wheel of a native VRF, ours is compiled once and kept there. Nothing else is written, so the
        # root file system may be read-only, or an overlay that forgets.
        f"Environment=XDG_CACHE_HOME=/var/lib/{STATE_FOLDER}/cache",
        "",
        f"# {profile.memory_bytes} bytes are the node's own budget, {stops['kernel_mb']} MiB the kernel's for it.",
        f"MemoryMax={profile.memory_bytes + kernel}",
        "MemorySwapMax=0",
        f"# Its own budget is {profile.cpu_permille / 10:g} % of a core on average.",
        f"CPUQuota={stops['cpu_percent']}%",
        f"TasksMax={stops['tasks']}",
        f"LimitNOFILE={stops['files']}",
        "LimitCORE=0",
        "OOMPolicy=stop",
        "IPAccounting=yes",
        "",
        *_SANDBOX.splitlines(),
    ]
    if has_serial:
        lines += ["DevicePolicy=closed", "DeviceAllow=char-ttyAMA rw", "DeviceAllow=char-ttyS rw"]
        lines += ["DeviceAllow=char-ttyUSB rw", "DeviceAllow=char-ttyACM rw", "SupplementaryGroups=dialout"]
    else:
        lines.append("PrivateDevices=yes")
    return "\n".join([*lines, "", "[Install]", "WantedBy=multi-user.target", ""])


def _quoted(word: str) -> str:
    # systemd.service(5): % and $ are its own, and a word with blanks stands in quotes.
    word = word.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$")
    return '"%s"' % word.replace('"', '\\"') if any(c.isspace() or c in "\"';" for c in word) else word
