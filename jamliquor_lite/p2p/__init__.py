"""What libp2p peers say to each other about themselves: who they are, where, what they speak, whether they live."""
