"""What `keygen` and `id` print of a key: its JAM name, its public half, its file. Never the seed."""

import json

from ..crypto import suite
from ..transport.quic_certificate import alt_name


def show(path: str, seed: bytes, as_json: bool) -> None:
    """Print the public face of the 32-byte `seed` that lies in the file `path`."""
    public = suite.ed25519_public(seed)
    name = alt_name(public)
    if as_json:
        print(json.dumps({"name": name, "ed25519": public.hex(), "file": path}))
        return
    print(f"name     {name}")
    print(f"ed25519  {public.hex()}")
    print(f"file     {path}")
