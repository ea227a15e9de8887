"""What libp2p peers say to each other about themselves: who they are, where, what they speak, whether they live."""

# Names of the protocols here, for who offers them before it loads what speaks them.
IDENTIFY = "/ipfs/id/1.0.0"
IDENTIFY_PUSH = "/ipfs/id/push/1.0.0"
PING = "/ipfs/ping/1.0.0"
