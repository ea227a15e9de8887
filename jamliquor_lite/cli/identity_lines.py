"""What `keygen` and `id` print of a key: its two names, its public half, its file. Never the seed.

One seed serves both networks: on JAM's own the key has a name of 53 characters, on the lite network a peer id.
"""

import json

from ..p2p.identity import Identity
from ..transport.quic_certificate import alt_name


def show(path: str, seed: bytes, as_json: bool) -> None:
    """Print the public face of the 32-byte `seed` that lies in the file `path`."""
    identity = Identity(seed)
    name = alt_name(identity.public)
    if as_json:
        shown = {"name": name, "peer_id": identity.name, "ed25519": identity.public.hex(), "file": path}
        print(json.dumps(shown))
        return
    print(f"name     {name}")
    print(f"peer id  {identity.name}")
    print(f"ed25519  {identity.public.hex()}")
    print(f"file     {path}")
